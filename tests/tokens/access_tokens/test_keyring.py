import base64
import json
import secrets
from datetime import timedelta

import pytest
from django.db import OperationalError, connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from structlog.testing import capture_logs

from tests.factories.tokens import open_session
from tokens.access_tokens import keyring as module
from tokens.access_tokens.codec import decode_access_token
from tokens.access_tokens.keyring import KeyRing, NoSigningKey, encoded_header, keyring
from tokens.conf import token_settings
from tokens.errors import AccessTokenInvalid
from tokens.models import SigningKey
from tokens.services import keys, verification
from tokens.signing_algorithms import RS256, SIGNING_ALGORITHMS

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("own_keys")]


@pytest.fixture
def clock(monkeypatch):
    """The clock of the process, moved by hand."""

    class Clock:
        seconds = 1000.0

        def monotonic(self):
            return self.seconds

    monkeypatch.setattr(module, "time", clock := Clock())
    return clock


@pytest.fixture
def ring():
    return KeyRing()


def unknown_header():
    return encoded_header(secrets.token_urlsafe(32), algorithm=RS256)


def known_header():
    return encoded_header(SigningKey.objects.latest("activated_at").kid, algorithm=RS256)


class TestVerifying:
    def test_knows_published_keys_by_their_whole_header(self, ring):
        assert ring.verification_key(known_header()).public.key_size == 2048

    def test_looks_at_the_database_once_a_minute(self, ring, clock, django_assert_num_queries):
        header = known_header()
        with django_assert_num_queries(1):
            ring.verification_key(header)
            clock.seconds += 59.9
            ring.verification_key(header)
        clock.seconds += 0.1
        with django_assert_num_queries(1):
            ring.verification_key(header)

    def test_looks_again_for_an_unknown_key_at_most_once_in_five_seconds(self, ring, clock, django_assert_num_queries):
        ring.jwks()
        clock.seconds += 5
        with django_assert_num_queries(1):
            for _ in range(50):
                assert ring.verification_key(unknown_header()) is None
            clock.seconds += 4.9
            assert ring.verification_key(unknown_header()) is None
        clock.seconds += 0.1
        with django_assert_num_queries(1):
            ring.verification_key(unknown_header())

    @pytest.mark.parametrize("name", SIGNING_ALGORITHMS)
    def test_finds_a_key_that_another_process_has_just_made(self, ring, clock, settings, name):
        """The other one may have another setting."""
        ring.jwks()
        own = settings.TOKENS
        settings.TOKENS = {**own, "ACCESS_TOKEN_ALGORITHM": name}
        new = keys.rotate(now=timezone.now())
        settings.TOKENS = own
        clock.seconds += 5

        found = ring.verification_key(encoded_header(new.kid, algorithm=SIGNING_ALGORITHMS[name]))
        assert (found.kid, found.algorithm.name) == (new.kid, name)

    @pytest.mark.parametrize("name", ["ES256", "EdDSA"])
    def test_knows_a_key_by_its_own_algorithm_alone(self, ring, clock, name, django_assert_num_queries):
        ring.jwks()
        kid = SigningKey.objects.get().kid
        clock.seconds += 30
        with django_assert_num_queries(0):
            assert ring.verification_key(encoded_header(kid, algorithm=SIGNING_ALGORITHMS[name])) is None

    @pytest.mark.parametrize(
        "header",
        [
            {"alg": "RS256", "typ": "at+jwt"},
            {"alg": "RS256", "kid": None, "typ": "at+jwt"},
            {"alg": "RS256", "kid": "short", "typ": "at+jwt"},
            {"alg": "HS256", "kid": "A" * 43, "typ": "at+jwt"},
            {"alg": "RS256", "kid": "A" * 43, "typ": "JWT"},
            {"alg": "RS256", "kid": "A" * 10_000, "typ": "at+jwt"},
            [],
            1,
        ],
    )
    def test_never_looks_again_for_a_header_that_is_not_ours_to_the_letter(
        self, ring, clock, header, django_assert_num_queries
    ):
        ring.jwks()
        clock.seconds += 30
        raw = json.dumps(header, separators=(",", ":"), sort_keys=True).encode()
        with django_assert_num_queries(0):
            assert ring.verification_key(base64.urlsafe_b64encode(raw).rstrip(b"=").decode()) is None
            assert ring.verification_key("A" * len(known_length_header())) is None
            assert ring.verification_key("") is None

    def test_parses_each_key_once(self, ring, clock):
        header = known_header()
        key = ring.verification_key(header)
        clock.seconds += 60

        assert ring.verification_key(header).public is key.public


def refuse_connection():
    raise OperationalError("connection refused")


def known_length_header():
    return encoded_header("-" * 43, algorithm=RS256)


class TestSigning:
    def test_has_no_key_where_there_is_none(self, ring):
        SigningKey.objects.all().delete()

        with pytest.raises(NoSigningKey):
            ring.signing_key(now=timezone.now())

    def test_takes_the_one_activated_last(self, ring):
        now = timezone.now()
        new = keys.rotate(now=now)

        assert ring.signing_key(now=now + token_settings.JWKS_PROPAGATION_TTL - timedelta(seconds=1)).kid != new.kid
        assert ring.signing_key(now=now + token_settings.JWKS_PROPAGATION_TTL).kid == new.kid

    def test_takes_the_oldest_when_the_clocks_disagree_so_much_that_none_is_active(self, ring):
        key = SigningKey.objects.get()

        assert ring.signing_key(now=key.activated_at - timedelta(days=1)).kid == key.kid

    def test_takes_the_one_that_the_database_names(self, ring, django_assert_num_queries):
        first = ring.signing_key(now=timezone.now())
        keys.rotate(now=timezone.now())
        with django_assert_num_queries(0):
            assert ring.signing_key(now=timezone.now(), kid=first.kid) is not None
        new = keys.rotate(now=timezone.now(), emergency=True)
        with django_assert_num_queries(1):
            assert ring.signing_key(now=timezone.now(), kid=new.kid).kid == new.kid
        assert ring.signing_key(now=timezone.now(), kid=first.kid).kid == new.kid


class TestJwks:
    @pytest.mark.attack("NIST SP 800-57, 8.3.5")
    def test_no_longer_publishes_a_dropped_key_after_three_seconds(self, ring, clock):
        ring.jwks()
        new = keys.rotate(now=timezone.now() - timedelta(seconds=1), emergency=True)
        clock.seconds += 3

        assert [jwk["kid"] for jwk in ring.jwks()] == [new.kid]

    def test_shows_what_a_verifier_needs_and_nothing_private(self, ring):
        (jwk,) = ring.jwks()

        assert set(jwk) == {"kty", "use", "alg", "kid", "n", "e"}
        assert (jwk["kty"], jwk["use"], jwk["alg"], jwk["e"]) == ("RSA", "sig", "RS256", "AQAB")
        assert jwk["kid"] == SigningKey.objects.get().kid


class TestLoad:
    def test_says_that_the_newest_key_is_of_another_algorithm(self, ring, settings):
        kid = SigningKey.objects.get().kid
        settings.TOKENS = {**settings.TOKENS, "ACCESS_TOKEN_ALGORITHM": "ES256"}
        with capture_logs() as logged:
            ring.load()

        (line,) = logged
        assert (line["event"], line["kid"]) == ("signing_key_of_other_algorithm", kid)
        assert (line["algorithm"], line["setting"]) == ("RS256", "ES256")
        assert "rotate_signing_key" in line["hint"]

    def test_says_nothing_otherwise(self, ring):
        with capture_logs() as logged:
            ring.load()

        assert logged == []


class TestQueries:
    def test_cost_nothing_for_tokens_of_known_keys(self, now):
        pair = open_session(now=now)
        verification.authenticate(presented=pair.access_token, now=now)
        with CaptureQueriesContext(connection) as captured:
            verification.authenticate(presented=pair.access_token, now=now)

        (only,) = captured.captured_queries  # that which authenticates asks whether the key is published, on its way
        assert only["sql"].count("tokens_signingkey") == 1

    def test_cost_nothing_for_junk(self, now, django_assert_num_queries):
        token = open_session(now=now).access_token
        keyring.jwks()
        with django_assert_num_queries(0):
            for junk in ("", "a.b.c", token[:-4], token + "A", "x" + token, "." + token, token.replace(".", "..")):
                with pytest.raises(AccessTokenInvalid):
                    verification.authenticate(presented=junk, now=now)


@pytest.mark.django_db(transaction=True)
class TestWithoutTheDatabase:
    @pytest.fixture
    def away(self):
        """Make every attempt to connect fail, as when the server is gone."""
        port = connection.settings_dict["PORT"]

        def leave(*, is_away=True):
            connection.close()
            connection.settings_dict["PORT"] = "1" if is_away else port

        yield leave
        leave(is_away=False)

    def test_goes_on_with_the_keys_that_were_known(self, ring, clock, away):
        header, published = known_header(), ring.jwks()
        away()
        clock.seconds += 3600

        assert ring.jwks() == published
        assert ring.verification_key(header)
        assert ring.signing_key(now=timezone.now()).kid == published[0]["kid"]

    def test_says_so_about_a_key_that_it_does_not_know(self, ring, clock, away, django_assert_num_queries):
        """It may be one that another process has just made: a refusal would sign its holder out."""
        ring.jwks()
        clock.seconds += 5
        away()
        for _ in range(50):
            with pytest.raises(OperationalError):
                ring.verification_key(unknown_header())
            assert ring.verification_key("A" * len(known_length_header())) is None
        away(is_away=False)
        with django_assert_num_queries(0), pytest.raises(OperationalError):
            ring.verification_key(unknown_header())
        clock.seconds += 5

        assert ring.verification_key(unknown_header()) is None

    def test_asks_in_vain_at_most_once_in_five_seconds(self, ring, clock, away, monkeypatch):
        ring.jwks()
        clock.seconds += 5
        away()
        attempts = []
        with monkeypatch.context() as patched:
            patched.setattr(connection, "connect", lambda: attempts.append(1) or refuse_connection())
            for _ in range(50):
                with pytest.raises(OperationalError):
                    ring.verification_key(unknown_header())
                assert ring.jwks()

        assert len(attempts) == 1

    def test_loads_what_is_there_before_the_first_use(self, ring, away):
        away()
        ring.load()
        away(is_away=False)
        ring.load()
        away()

        assert ring.jwks()

    def test_verifies_signatures(self, api, away):
        token = open_session().access_token
        keyring.jwks()
        away()

        assert decode_access_token(token)
        assert api.get("/.well-known/jwks.json").status_code == 200

    def test_tries_again_after_five_seconds(self, ring, clock, away, django_assert_num_queries):
        ring.jwks()
        away()
        clock.seconds += 60
        ring.jwks()
        away(is_away=False)
        with django_assert_num_queries(0):
            ring.jwks()
        clock.seconds += 5
        with django_assert_num_queries(1):
            ring.jwks()

    def test_says_so_when_nothing_was_known(self, ring, away):
        away()

        with pytest.raises(OperationalError):
            ring.jwks()

    def test_recovers_when_nothing_was_known(self, ring, away):
        away()
        with pytest.raises(OperationalError):
            ring.jwks()
        away(is_away=False)

        assert ring.jwks()
