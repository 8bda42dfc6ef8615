"""Who is sent to a provider is known again, once."""

from datetime import timedelta
from uuid import uuid4

import pytest

from accounts.errors import DetailsInvalid, NotFound, SocialTokenInvalid
from accounts.models import SocialAuthorization, SocialPurpose
from accounts.providers import registry
from accounts.providers.authorization import s256_challenge as challenge
from accounts.services.social import authorizations
from accounts.services.social.authorizations import ProviderCallback, SessionUser
from tests.factories.accounts import UserFactory
from tests.peers.openid_provider.fake_issuer import REDIRECT_URI

pytestmark = pytest.mark.django_db
VERIFIER = "a-verifier-that-only-this-client-knows-0123456789"


@pytest.fixture
def begin(issuer, now):
    def start(**options):
        return authorizations.begin(**{"provider_id": "fake", "redirect_uri": REDIRECT_URI, "now": now, **options})

    return start


@pytest.fixture
def claim(now):
    def take(state, *, provider="fake", at=None, purpose=SocialPurpose.SIGN_IN, session_user=None, **returned):
        return authorizations.consume(
            provider=registry.find(provider),
            callback=ProviderCallback(code="c", state=state, **returned),
            purpose=purpose,
            session_user=session_user,
            now=at or now,
        )

    return take


def somebody():
    return SessionUser(user=UserFactory(), session_id=uuid4())


class TestBegin:
    def test_stores_neither_the_state_nor_a_readable_verifier(self, begin):
        departure = begin()
        row = SocialAuthorization.objects.extra(select={"raw": "code_verifier"}).get()
        assert departure.state.encode() not in bytes(row.digest)
        assert row.raw != row.code_verifier
        assert f"code_challenge={challenge(row.code_verifier)}" in departure.url
        assert f"nonce={row.nonce}" in departure.url
        assert row.code_verifier not in departure.url

    def test_shows_its_secrets_to_nobody(self, begin):
        departure = begin()
        assert departure.state not in repr(departure)

    def test_makes_everything_anew_each_time(self, begin):
        begin(), begin()
        rows = SocialAuthorization.objects.all()
        assert len({row.nonce for row in rows}) == len({row.code_verifier for row in rows}) == 2

    def test_refuses_an_address_that_is_not_allowed(self, begin):
        with pytest.raises(DetailsInvalid) as refusal:
            begin(redirect_uri=REDIRECT_URI + "/")
        assert [(each.field, each.code) for each in refusal.value.problems] == [("redirect_uri", "invalid")]

    def test_refuses_a_provider_that_nobody_configured(self, begin):
        with pytest.raises(NotFound):
            begin(provider_id="google")

    def test_asks_the_provider_to_authenticate_anew_where_that_is_the_purpose(self, begin):
        assert "max_age=0" in begin(purpose=SocialPurpose.REAUTHENTICATE, session_user=somebody()).url
        assert "max_age" not in begin().url


class TestClaim:
    def test_gives_a_state_out_once(self, begin, claim):
        state = begin().state
        assert claim(state).redirect_uri == REDIRECT_URI
        with pytest.raises(SocialTokenInvalid):
            claim(state)

    def test_refuses_what_is_too_old(self, begin, claim, now):
        state = begin().state
        with pytest.raises(SocialTokenInvalid):
            claim(state, at=now + timedelta(minutes=10))

    def test_refuses_an_unknown_state(self, issuer, claim):
        for state in ("", "cds_unknown", "\0", "\ud800"):
            with pytest.raises(SocialTokenInvalid):
                claim(state)

    def test_refuses_the_state_of_another_provider(self, begin, claim, settings, issuer):
        # Mix-up (RFC 9700, 4.4): a code must not go to another provider than the one that gave it.
        state = begin().state
        settings.ACCOUNTS = {**settings.ACCOUNTS, "SOCIAL_PROVIDERS": [issuer.provider(), issuer.provider(id="other")]}
        with pytest.raises(SocialTokenInvalid):
            claim(state, provider="other")

    def test_refuses_another_purpose(self, begin, claim):
        session_user = somebody()
        state = begin(purpose=SocialPurpose.LINK, session_user=session_user).state
        with pytest.raises(SocialTokenInvalid):
            claim(state, purpose=SocialPurpose.REAUTHENTICATE, session_user=session_user)
        with pytest.raises(SocialTokenInvalid):
            claim(state)

    def test_refuses_another_person_and_another_session(self, begin, claim):
        session_user = somebody()
        state = begin(purpose=SocialPurpose.LINK, session_user=session_user).state
        for other in (somebody(), SessionUser(user=session_user.user, session_id=uuid4())):
            with pytest.raises(SocialTokenInvalid):
                claim(state, purpose=SocialPurpose.LINK, session_user=other)
        assert claim(state, purpose=SocialPurpose.LINK, session_user=session_user)

    @pytest.mark.parametrize("verifier", [None, "", VERIFIER + "x", challenge(VERIFIER)])
    def test_refuses_a_client_that_did_not_begin_it(self, begin, claim, verifier):
        state = begin(client_challenge=challenge(VERIFIER)).state
        with pytest.raises(SocialTokenInvalid):
            claim(state, code_verifier=verifier)

    def test_takes_the_client_that_did(self, begin, claim):
        assert claim(begin(client_challenge=challenge(VERIFIER)).state, code_verifier=VERIFIER)

    def test_refuses_a_verifier_where_none_was_announced(self, begin, claim):
        # PKCE downgrade (RFC 9700, 2.1.1)
        state = begin().state
        with pytest.raises(SocialTokenInvalid):
            claim(state, code_verifier=VERIFIER)

    def test_refuses_the_answer_of_another_issuer(self, begin, claim, issuer):
        with pytest.raises(SocialTokenInvalid):
            claim(begin().state, issuer="https://elsewhere.example.com")
        assert claim(begin().state, issuer=issuer.url)


class TestRelease:
    def test_lets_the_state_be_used_after_all(self, begin, claim):
        state = begin().state
        authorizations.release(request=claim(state))
        assert claim(state)


class TestForget:
    def test_takes_away_what_is_somebodys_alone(self, begin, claim):
        session_user = somebody()
        begin(purpose=SocialPurpose.LINK, session_user=session_user)
        other = begin().state
        assert authorizations.delete_pending(user_id=session_user.user.pk) == 1
        assert claim(other)
