"""Every command reports in words or as one JSON object, and can be tried without changing anything."""

import io
import json

import pytest
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from django.core.management import CommandError, call_command

from security_events.models import SecurityEvent
from tests.factories.accounts import UserFactory
from tests.factories.tokens import open_session
from tokens.access_tokens import jwk
from tokens.models import RefreshKeyEpoch, Session, SigningKey
from tokens.refresh_tokens.key_epochs import refresh_epochs

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("own_keys")]


def run(name, *arguments):
    """Return what the command printed on standard output."""
    out = io.StringIO()
    call_command(name, *arguments, stdout=out, stderr=io.StringIO())
    return out.getvalue()


def report(name, *arguments):
    return json.loads(run(name, *arguments, "--json"))


def refusal(name, *arguments):
    """Return the exit code and the code of the error."""
    out = io.StringIO()
    with pytest.raises(SystemExit) as left:
        call_command(name, *arguments, "--json", stdout=out, stderr=io.StringIO())
    return left.value.code, json.loads(out.getvalue())["error"]["code"]


def living():
    return Session.objects.filter(ended_at__isnull=True).count()


class TestRotateSigningKey:
    def test_publishes_the_next_key(self):
        result = report("rotate_signing_key")

        assert result["result"] == "rotated"
        assert SigningKey.objects.get(kid=result["kid"]).retired_at is None
        assert SigningKey.objects.count() == 2

    def test_drops_the_others_in_an_emergency(self):
        result = report("rotate_signing_key", "--emergency", "--yes")

        assert SigningKey.objects.filter(expires_at__isnull=True).get().kid == result["kid"]

    def test_wants_to_be_told_twice_in_an_emergency(self):
        assert refusal("rotate_signing_key", "--emergency") == (2, "usage")
        assert SigningKey.objects.count() == 1

    @pytest.mark.parametrize("arguments", [(), ("--emergency",)])
    def test_can_be_tried(self, arguments):
        assert report("rotate_signing_key", "--dry-run", *arguments)["result"] == "would_rotate"
        assert SigningKey.objects.count() == 1

    @pytest.mark.parametrize("arguments", [(), ("--emergency",)])
    def test_makes_a_key_of_the_algorithm_of_the_setting(self, settings, arguments):
        settings.TOKENS = {**settings.TOKENS, "ACCESS_TOKEN_ALGORITHM": "ES256"}

        assert report("rotate_signing_key", "--dry-run", *arguments)["algorithm"] == "ES256"
        assert "(ES256) would sign from" in run("rotate_signing_key", "--dry-run", *arguments)
        result = report("rotate_signing_key", "--yes", *arguments)
        assert (result["algorithm"], SigningKey.objects.get(pk=result["kid"]).algorithm) == ("ES256", "ES256")

    def test_says_so_in_words(self):
        assert "(RS256) is published and signs from" in run("rotate_signing_key")


class TestRotateRefreshKey:
    @pytest.fixture(autouse=True)
    def nothing_heard(self):
        refresh_epochs.clear()
        yield
        refresh_epochs.clear()

    def test_begins_the_next_epoch_and_ends_no_session(self):
        open_session()

        assert report("rotate_refresh_key") == {
            "result": "rotated",
            "epoch": 2,
            "minimum_epoch": 1,
            "sessions_before": 1,
            "sessions_ended": 0,
        }
        assert living() == 1

    def test_ends_the_sessions_of_former_epochs_in_an_emergency(self):
        open_session()
        result = report("rotate_refresh_key", "--emergency", "--yes")

        assert (result["epoch"], result["minimum_epoch"], result["sessions_ended"]) == (2, 2, 1)
        assert living() == 0

    def test_wants_to_be_told_twice_in_an_emergency(self):
        open_session()

        assert refusal("rotate_refresh_key", "--emergency") == (2, "usage")
        assert not RefreshKeyEpoch.objects.exists()
        assert living() == 1

    @pytest.mark.parametrize(("arguments", "minimum"), [((), 1), (("--emergency",), 2)])
    def test_can_be_tried(self, arguments, minimum):
        open_session()

        assert report("rotate_refresh_key", "--dry-run", *arguments) == {
            "result": "would_rotate",
            "epoch": 2,
            "minimum_epoch": minimum,
            "sessions_before": 1,
            "sessions_ended": 0,
        }
        assert "would begin" in run("rotate_refresh_key", "--dry-run")
        assert not RefreshKeyEpoch.objects.exists()

    def test_says_when_there_is_no_further_one(self, settings):
        settings.TOKENS = {**settings.TOKENS, "REFRESH_KEY_EPOCH": 255}

        assert refusal("rotate_refresh_key") == (1, "refresh_epochs_exhausted")

    def test_says_so_in_words(self):
        assert run("rotate_refresh_key") == "Epoch 2 has begun; 0 sessions ended.\n"


class TestImportSigningKey:
    @pytest.fixture
    def file(self, tmp_path):
        private = rsa.generate_private_key(public_exponent=65537, key_size=2048)
        path = tmp_path / "key.pem"
        path.write_bytes(private.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
        return path, jwk.thumbprint_of(private.public_key())

    def test_publishes_it(self, file):
        path, kid = file

        assert report("import_signing_key", str(path))["kid"] == kid
        assert SigningKey.objects.filter(pk=kid).exists()

    def test_can_be_tried(self, file):
        path, kid = file

        assert report("import_signing_key", str(path), "--dry-run") == {
            "result": "would_import",
            "kid": kid,
            "signs_from": None,
        }
        assert not SigningKey.objects.filter(pk=kid).exists()

    def test_refuses_the_same_key_twice(self, file):
        path, _kid = file
        run("import_signing_key", str(path))

        assert refusal("import_signing_key", str(path)) == (1, "signing_key_unusable")

    def test_refuses_a_key_of_another_algorithm_than_the_settings(self, file, settings):
        path, _kid = file
        settings.TOKENS = {**settings.TOKENS, "ACCESS_TOKEN_ALGORITHM": "EdDSA"}

        assert refusal("import_signing_key", str(path)) == (1, "signing_key_unusable")

    def test_refuses_what_is_no_key_or_not_there(self, tmp_path):
        (tmp_path / "junk").write_text("junk")

        assert refusal("import_signing_key", str(tmp_path / "junk")) == (1, "signing_key_unusable")
        assert refusal("import_signing_key", str(tmp_path / "missing")) == (2, "usage")


class TestRevokeSessions:
    @pytest.fixture
    def user(self):
        user = UserFactory(username="ada")
        for _ in range(2):
            open_session(user=user)
        open_session()
        return user

    def test_ends_one_persons(self, user):
        result = report("revoke_sessions", "--user", "ada", "--reason", "Laptop lost.", "--yes")

        assert result == {"result": "revoked", "sessions": 2}
        assert living() == 1
        event = SecurityEvent.objects.filter(target_id=str(user.pk), type="session.revoked").first()
        assert event.data == {"reason": "administrator", "note": "Laptop lost."}

    def test_ends_everybodys(self, user):
        assert report("revoke_sessions", "--all", "--yes")["sessions"] == 3
        assert living() == 0

    @pytest.mark.parametrize(("whose", "count"), [(("--user", "ada"), 2), (("--all",), 3)])
    def test_can_be_tried(self, user, whose, count):
        assert report("revoke_sessions", *whose, "--dry-run") == {"result": "would_revoke", "sessions": count}
        assert living() == 3

    def test_wants_to_be_told_twice(self, user):
        assert refusal("revoke_sessions", "--all") == (2, "usage")
        assert living() == 3

    def test_finds_nobody_of_another_name(self, user):
        assert refusal("revoke_sessions", "--user", "grace", "--yes") == (1, "not_found")

    @pytest.mark.parametrize("whose", [(), ("--all", "--user", "ada")])
    def test_wants_one_person_or_all(self, whose):
        with pytest.raises(CommandError):
            run("revoke_sessions", *whose, "--yes")


class TestPurgeExpired:
    def test_deletes_what_is_long_past(self, now):
        open_session(now=now.replace(year=2020))
        open_session()

        assert report("purge_expired", "--dry-run") == {"result": "would_purge", "sessions": 1}
        assert report("purge_expired") == {"result": "purged", "sessions": 1, "signing_keys": 0}
        assert "0 sessions" in run("purge_expired")
        assert Session.objects.count() == 1


class TestReencryptFields:
    def test_moves_values_to_the_first_key(self, settings):
        former = list(settings.TOKENS["FIELD_ENCRYPTION_KEYS"])
        settings.TOKENS = {**settings.TOKENS, "FIELD_ENCRYPTION_KEYS": [("new", b"n" * 32), *former]}

        assert report("reencrypt_fields", "--dry-run") == {"result": "would_reencrypt", "values": 1}
        assert report("reencrypt_fields") == {"result": "reencrypted", "values": 1}
        assert "0 values" in run("reencrypt_fields")

    def test_says_which_key_is_missing(self, settings):
        settings.TOKENS = {**settings.TOKENS, "FIELD_ENCRYPTION_KEYS": [("new", b"n" * 32)]}

        assert refusal("reencrypt_fields") == (1, "not_decrypted")
