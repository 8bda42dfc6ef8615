"""Sign-in by what a native application got from a provider, and by a code."""

import base64
import time
from datetime import timedelta

import pytest
from django.utils import timezone

from accounts.errors import (
    AccountDisabled,
    DetailsInvalid,
    EmailNotConfirmed,
    NotFound,
    ProviderAddressUnverified,
    ProviderUnavailable,
    SocialTokenInvalid,
)
from accounts.models import PresentedToken, User
from accounts.services.factors.sign_in_challenges import MfaChallenge
from accounts.services.sign_in.password_sign_in import SignedIn
from accounts.services.social import provider_sign_in
from accounts.services.social.authorizations import ProviderCallback
from tests.factories.accounts import UserFactory
from tests.peers.openid_provider.fake_issuer import CLIENT_ID
from tokens.models import Session

pytestmark = pytest.mark.django_db
APP = "the.native.app"


@pytest.fixture
def present(issuer, phone):
    def show(**given):
        tokens = {"id_token": None, "access_token": None, "nonce": None, **given}
        return provider_sign_in.by_token(provider_id="fake", client=phone, now=timezone.now(), **tokens)

    return show


def configure(settings, issuer, **members):
    settings.ACCOUNTS = {**settings.ACCOUNTS, "SOCIAL_PROVIDERS": [issuer.provider(**members)]}


class TestByToken:
    def test_signs_in_by_an_address_that_the_provider_verified(self, present, issuer):
        outcome = present(id_token=issuer.id_token())
        assert isinstance(outcome, SignedIn)
        assert outcome.user.email == "mina@example.com"
        assert Session.objects.get().amr == ["fed"]

    def test_takes_a_token_once(self, present, issuer, events):
        token = issuer.id_token()
        present(id_token=token)
        with pytest.raises(SocialTokenInvalid):
            present(id_token=token)
        assert events("social.login_failed").get().risk_reasons == ["replayed"]
        assert Session.objects.count() == 1

    def test_takes_a_token_once_however_its_signature_is_written(self, present, issuer):
        token = issuer.id_token()
        present(id_token=token)
        # 256 bytes leave four bits of the last character unused, so that there are sixteen ways to write it.
        alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
        last = alphabet.index(token[-1])
        for other in {alphabet[last ^ bits] for bits in range(1, 16)}:
            with pytest.raises(SocialTokenInvalid):
                present(id_token=token[:-1] + other)
        with pytest.raises(SocialTokenInvalid):
            present(id_token=token + "==")
        assert Session.objects.count() == 1

    def test_remembers_a_token_until_it_expires(self, present, issuer):
        expires = int(time.time()) + 300
        present(id_token=issuer.id_token(exp=expires))
        assert PresentedToken.objects.get().expires_at.timestamp() == expires

    def test_does_not_remember_what_it_refused(self, present, issuer):
        with pytest.raises(SocialTokenInvalid):
            present(id_token=issuer.id_token(aud="another"))
        assert not PresentedToken.objects.exists()

    def test_takes_what_is_for_an_application_of_ours(self, present, issuer, settings):
        with pytest.raises(SocialTokenInvalid):
            present(id_token=issuer.id_token(aud=APP))
        configure(settings, issuer, token_audiences=[APP])
        assert present(id_token=issuer.id_token(aud=APP))
        assert present(id_token=issuer.id_token(aud=CLIENT_ID, azp=APP))

    def test_refuses_what_is_for_another_application(self, present, issuer, settings):
        configure(settings, issuer, token_audiences=[APP])
        for claims in ({"aud": "other"}, {"aud": [APP, "other"], "azp": APP}, {"aud": APP, "azp": "other"}):
            with pytest.raises(SocialTokenInvalid):
                present(id_token=issuer.id_token(**claims))

    @pytest.mark.parametrize(
        ("claimed", "given"), [("n1", None), ("n1", "n2"), (None, "n1"), ("n1", "N1"), ("n1", "n1\0")]
    )
    def test_refuses_another_nonce_than_the_application_sent(self, present, issuer, claimed, given):
        with pytest.raises(SocialTokenInvalid):
            present(id_token=issuer.id_token(nonce=claimed), nonce=given)

    def test_takes_the_nonce_that_the_application_sent(self, present, issuer):
        assert present(id_token=issuer.id_token(nonce="n1"), nonce="n1")

    def test_needs_an_id_token_since_an_access_token_does_not_say_whom_it_is_for(self, present):
        for given in ({}, {"access_token": "an-access-token"}):
            with pytest.raises(DetailsInvalid) as refusal:
                present(**given)
            assert [(each.field, each.code) for each in refusal.value.problems] == [("id_token", "required")]

    def test_refuses_an_access_token_that_came_with_another_id_token(self, present, issuer):
        token = issuer.id_token(at_hash=base64.urlsafe_b64encode(b"0" * 16).rstrip(b"=").decode())
        with pytest.raises(SocialTokenInvalid):
            present(id_token=token, access_token="an-access-token")

    def test_asks_for_the_address_where_only_the_access_token_leads_to_it(self, present, issuer):
        token = issuer.id_token(email=None, email_verified=None)
        assert present(id_token=token, access_token="an-access-token").user.email == "mina@example.com"

    def test_refuses_an_access_token_that_can_not_be_sent(self, present, issuer):
        token = issuer.id_token(email=None)
        for text in ("a\nb", "a b", "é"):
            with pytest.raises(SocialTokenInvalid):
                present(id_token=token, access_token=text)

    def test_asks_for_the_second_factor(self, present, issuer):
        UserFactory(email="mina@example.com", is_mfa_enabled=True)
        assert isinstance(present(id_token=issuer.id_token()), MfaChallenge)
        assert not Session.objects.exists()

    def test_refuses_a_disabled_account(self, present, issuer):
        present(id_token=issuer.id_token())
        User.objects.update(is_active=False)
        with pytest.raises(AccountDisabled):
            present(id_token=issuer.id_token(exp=int(time.time()) + 400))

    def test_reveals_no_accounts_without_a_verified_address(self, present, issuer, events):
        UserFactory(email="known@example.com")
        for email in ("known@example.com", "unknown@example.com"):
            with pytest.raises(ProviderAddressUnverified):
                present(id_token=issuer.id_token(email=email, email_verified=False))
        assert events("social.login_failed").count() == 2
        assert EmailNotConfirmed in ProviderAddressUnverified.__mro__

    def test_knows_no_provider_that_is_not_configured(self, issuer, phone):
        with pytest.raises(NotFound):
            provider_sign_in.by_token(
                provider_id="google", id_token="a.b.c", access_token=None, nonce=None, client=phone, now=timezone.now()
            )

    def test_refuses_what_was_good_until_now(self, issuer, phone):
        token = issuer.id_token()
        with pytest.raises(SocialTokenInvalid):
            provider_sign_in.by_token(
                provider_id="fake",
                id_token=token,
                access_token=None,
                nonce=None,
                client=phone,
                now=timezone.now() + timedelta(hours=1),
            )


class TestByCode:
    def test_records_a_state_that_is_unknown(self, issuer, phone, events):
        with pytest.raises(SocialTokenInvalid):
            provider_sign_in.by_code(
                provider_id="fake", callback=ProviderCallback(code="c", state="s"), client=phone, now=timezone.now()
            )
        assert events("social.login_failed").get().risk_reasons == ["state"]
        assert issuer.asked == []


class TestRefused:
    def test_records_what_stands_against_whom_and_keeps_the_error(self, issuer, events, now):
        from_provider = ProviderUnavailable(reason="too_slow")
        provider = provider_sign_in.registry.find("fake")
        error = provider_sign_in.record_refusal(
            error=from_provider, provider=provider, email="mina@example.com", now=now
        )
        assert error is from_provider
        event = events("social.login_failed").get()
        assert (event.risk_reasons, event.actor_name) == (["too_slow"], "m***@example.com")
