from datetime import timedelta

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
)
from django.db import connection

from security_events.models import SecurityEvent
from tests.factories.tokens import open_session
from tokens import errors
from tokens.access_tokens import jwk
from tokens.access_tokens.keyring import keyring
from tokens.conf import token_settings
from tokens.models import SigningKey
from tokens.services import keys, rotation, verification
from tokens.signing_algorithms import SIGNING_ALGORITHMS

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("own_keys")]

SECOND = timedelta(seconds=1)
MINUTE = timedelta(minutes=1)
PROPAGATION = token_settings.JWKS_PROPAGATION_TTL


def pem(private, encryption=None):
    return private.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, encryption or NoEncryption())


def kid_of(pair):
    return jwt.get_unverified_header(pair.access_token)["kid"]


def published():
    return {jwk["kid"] for jwk in keyring.jwks()}


NAMES = list(SIGNING_ALGORITHMS)


def choose(settings, name):
    settings.TOKENS = {**settings.TOKENS, "ACCESS_TOKEN_ALGORITHM": name}


@pytest.fixture
def now():
    """The present, in whole seconds as tokens tell it: which keys are published is for the database's clock to say."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT date_trunc('second', statement_timestamp())")
        return cursor.fetchone()[0]


@pytest.fixture
def first():
    return SigningKey.objects.get()


class TestEnsureFirst:
    def test_was_done_by_the_migration(self, now):
        assert SigningKey.objects.count() == 1
        assert keys.ensure_first(now=now) is None

    def test_makes_one_that_signs_at_once(self, now):
        SigningKey.objects.all().delete()
        key = keys.ensure_first(now=now)

        assert (key.activated_at, key.retired_at, key.expires_at) == (now, None, None)
        assert kid_of(open_session(now=now)) == key.kid
        event = SecurityEvent.objects.get(type="key.created", target_id=key.kid)
        assert event.severity == "medium"

    @pytest.mark.parametrize("name", NAMES)
    def test_makes_one_of_the_algorithm_of_the_setting(self, now, settings, name):
        SigningKey.objects.all().delete()
        choose(settings, name)
        key = keys.ensure_first(now=now)

        assert (key.algorithm, jwt.get_unverified_header(open_session(now=now).access_token)["alg"]) == (name, name)
        assert SecurityEvent.objects.get(type="key.created", target_id=key.kid).data == {"algorithm": name}

    def test_leaves_the_change_of_the_algorithm_to_a_rotation(self, now, settings, first):
        """While servers are restarted one after another, some have the former setting."""
        choose(settings, "ES256")

        assert keys.ensure_first(now=now) is None
        assert (kid_of(open_session(now=now)), first.algorithm) == (first.kid, "RS256")

    def test_makes_one_when_all_others_are_retired(self, now):
        SigningKey.objects.update(retired_at=now)

        assert keys.ensure_first(now=now)

    def test_is_done_by_the_first_signature_if_nobody_did_it_before(self, now):
        SigningKey.objects.all().delete()
        keyring.clear()

        pair = open_session(now=now)
        assert SigningKey.objects.get().kid == kid_of(pair)
        assert verification.authenticate(presented=pair.access_token, now=now)


class TestStored:
    def test_names_a_key_by_its_thumbprint(self, first):
        private = keyring.signing_key(now=first.activated_at).private

        assert first.kid == jwk.thumbprint_of(private.public_key())
        assert len(first.kid) == 43

    def test_encrypts_the_private_key(self, first):
        with connection.cursor() as cursor:
            cursor.execute("SELECT private_key FROM tokens_signingkey")
            stored = cursor.fetchone()[0]

        assert "PRIVATE KEY" not in stored
        assert "PRIVATE KEY" in first.private_key

    def test_makes_2048_bits_with_the_usual_exponent(self, first):
        public = keyring.signing_key(now=first.activated_at).public

        assert (public.key_size, public.public_numbers().e) == (2048, 65537)


class TestRotate:
    def test_publishes_the_next_key_and_goes_on_signing_with_the_old_one(self, now, first):
        new = keys.rotate(now=now)

        assert published() == {first.kid, new.kid}
        for moment in (now, now + PROPAGATION - SECOND):
            assert kid_of(open_session(now=moment)) == first.kid

    def test_signs_with_the_next_key_once_everybody_could_fetch_it(self, now):
        new = keys.rotate(now=now)

        assert new.activated_at == now + PROPAGATION
        assert kid_of(open_session(now=now + PROPAGATION)) == new.kid

    def test_publishes_the_old_key_until_its_last_token_has_expired(self, now, first):
        keys.rotate(now=now)
        last = open_session(now=now + PROPAGATION - SECOND)
        assert kid_of(last) == first.kid

        first.refresh_from_db()
        assert first.retired_at == now + PROPAGATION
        end_of_last = now + PROPAGATION - SECOND + timedelta(seconds=last.expires_in)
        assert end_of_last < first.expires_at == now + PROPAGATION + 16 * MINUTE
        assert verification.authenticate(presented=last.access_token, now=end_of_last - SECOND)

    def test_stops_publishing_a_key_whose_time_is_over(self, now, first):
        new = keys.rotate(now=now - PROPAGATION - 17 * MINUTE)

        assert published() == {new.kid}
        assert keyring.verification_key("x") is None
        with pytest.raises(errors.AccessTokenInvalid):
            verification.authenticate(presented=self.signed_by(first, now), now=now)

    def signed_by(self, key, now):
        payload = jwt.decode(open_session(now=now).access_token, options={"verify_signature": False})
        return jwt.encode(
            payload, key.private_key, "RS256", headers={"kid": key.kid, "typ": "at+jwt"}, sort_headers=True
        )

    def test_keeps_sessions_going_over_several_rotations(self, now):
        pair = open_session(now=now)
        for number in range(1, 4):
            moment = now + number * 12 * MINUTE
            keys.rotate(now=moment)
            pair = rotation.rotate(presented=pair.refresh_token, now=moment)
            assert verification.authenticate(presented=pair.access_token, now=moment)

    def test_can_be_done_twice_in_a_row(self, now, first):
        second = keys.rotate(now=now)
        third = keys.rotate(now=now + MINUTE)

        second.refresh_from_db()
        assert second.retired_at == third.activated_at == now + MINUTE + PROPAGATION
        assert kid_of(open_session(now=now + PROPAGATION)) == second.kid
        assert kid_of(open_session(now=now + PROPAGATION + MINUTE)) == third.kid
        assert published() == {first.kid, second.kid, third.kid}

    def test_drops_all_others_at_once_in_an_emergency(self, now, first):
        pair = open_session(now=now - MINUTE)
        scheduled = keys.rotate(now=now - MINUTE)
        new = keys.rotate(now=now, emergency=True)

        assert published() == {new.kid}
        assert kid_of(open_session(now=now)) == new.kid
        with pytest.raises(errors.AccessTokenInvalid):
            verification.authenticate(presented=pair.access_token, now=now)
        assert rotation.rotate(presented=pair.refresh_token, now=now)
        assert kid_of(open_session(now=now + PROPAGATION)) == new.kid
        for key in (first, scheduled):
            key.refresh_from_db()
            assert key.retired_at <= now
            assert key.expires_at == now

    @pytest.mark.parametrize("name", ["ES256", "EdDSA"])
    def test_changes_the_algorithm_without_refusing_a_token(self, now, settings, first, name):
        choose(settings, name)
        new = keys.rotate(now=now)

        assert (first.algorithm, new.algorithm) == ("RS256", name)
        assert {jwk["kid"]: jwk["alg"] for jwk in keyring.jwks()} == {first.kid: "RS256", new.kid: name}
        last = open_session(now=now + PROPAGATION - SECOND)
        assert kid_of(last) == first.kid
        later = now + PROPAGATION
        successor = rotation.rotate(presented=last.refresh_token, now=later)
        assert jwt.get_unverified_header(successor.access_token) == {"alg": name, "kid": new.kid, "typ": "at+jwt"}
        for pair in (last, successor):
            assert verification.authenticate(presented=pair.access_token, now=later)

    @pytest.mark.parametrize("name", ["ES256", "EdDSA"])
    def test_changes_the_algorithm_at_once_in_an_emergency(self, now, settings, name):
        pair = open_session(now=now)
        choose(settings, name)
        new = keys.rotate(now=now, emergency=True)

        assert [(jwk["kid"], jwk["alg"]) for jwk in keyring.jwks()] == [(new.kid, name)]
        with pytest.raises(errors.AccessTokenInvalid):
            verification.authenticate(presented=pair.access_token, now=now)
        successor = rotation.rotate(presented=pair.refresh_token, now=now)
        assert verification.authenticate(presented=successor.access_token, now=now)

    @pytest.mark.parametrize("name", NAMES)
    def test_encrypts_the_private_key_whatever_its_algorithm(self, now, settings, name):
        choose(settings, name)
        new = keys.rotate(now=now)
        with connection.cursor() as cursor:
            cursor.execute("SELECT private_key FROM tokens_signingkey WHERE kid = %s", [new.kid])
            assert "PRIVATE KEY" not in cursor.fetchone()[0]

    @pytest.mark.parametrize("emergency", [False, True])
    def test_records_it(self, now, emergency):
        new = keys.rotate(now=now, emergency=emergency)

        event = SecurityEvent.objects.get(type="key.rotated", target_id=new.kid)
        assert event.data == {"algorithm": "RS256", "emergency": emergency, "signs_from": str(new.activated_at)}

    def test_takes_a_key_made_elsewhere(self, now):
        private = rsa.generate_private_key(public_exponent=65537, key_size=3072)
        imported = keys.rotate(now=now, emergency=True, pem=pem(private))

        assert imported.kid == jwk.thumbprint_of(private.public_key())
        pair = open_session(now=now)
        assert jwt.decode(
            pair.access_token, private.public_key(), ["RS256"], audience="cedrina", options={"verify_exp": False}
        )

    @pytest.mark.parametrize("name", NAMES)
    def test_takes_a_key_of_the_algorithm_of_the_setting_alone(self, now, settings, name):
        choose(settings, name)
        for other in NAMES:
            private = SIGNING_ALGORITHMS[other].generate()
            if other == name:
                imported = keys.rotate(now=now, pem=pem(private))
                assert (imported.kid, imported.algorithm) == (jwk.thumbprint_of(private.public_key()), name)
                continue
            with pytest.raises(errors.SigningKeyUnusable) as refusal:
                keys.rotate(now=now, pem=pem(private))
            assert refusal.value.context["reason"] == (
                f"It is a key for {other}, and ACCESS_TOKEN_ALGORITHM is {name}."
            )

    @pytest.mark.parametrize(
        "make",
        [
            lambda: b"",
            lambda: b"junk",
            lambda: pem(ec.generate_private_key(ec.SECP256R1())),
            lambda: pem(ec.generate_private_key(ec.SECP384R1())),
            lambda: pem(rsa.generate_private_key(public_exponent=65537, key_size=1024)),  # noqa: S505 - that is the point
            lambda: pem(
                rsa.generate_private_key(public_exponent=65537, key_size=2048), BestAvailableEncryption(b"secret")
            ),
            lambda: (
                rsa.generate_private_key(public_exponent=65537, key_size=2048)
                .public_key()
                .public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
            ),
            lambda: SigningKey.objects.get().private_key.encode(),  # noqa: PLW0108 - the table is empty still
        ],
        ids=[
            "nothing",
            "junk",
            "elliptic curve",
            "other curve",
            "1024 bits",
            "with a passphrase",
            "public",
            "known already",
        ],
    )
    def test_refuses_to_import_what_can_not_sign(self, make, now, first):
        with pytest.raises(errors.SigningKeyUnusable):
            keys.rotate(now=now, pem=make())

        assert list(SigningKey.objects.all()) == [first]
        first.refresh_from_db()
        assert first.retired_at is None
