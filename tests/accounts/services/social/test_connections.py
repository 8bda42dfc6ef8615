"""Connect and disconnect accounts of providers."""

import time
from datetime import timedelta
from urllib.parse import parse_qs, urlsplit
from uuid import uuid4

import pytest
from allauth.mfa.models import Authenticator
from allauth.socialaccount.models import SocialAccount
from django.utils import timezone

from accounts.end_reasons import PASSWORD_CHANGE
from accounts.errors import AlreadyExists, LastSignInMethod, NotFound, SocialAccountInUse, SocialTokenInvalid
from accounts.models import SocialPurpose, User
from accounts.providers import links
from accounts.services.social import authorizations, connections
from accounts.services.social.authorizations import ProviderCallback, SessionUser
from tests.factories import social
from tests.factories.accounts import PASSWORD, UserFactory
from tests.factories.factors import add_key, add_totp
from tests.factories.tokens import open_session
from tests.peers.openid_provider.fake_issuer import REDIRECT_URI
from tokens.end_reasons import LOGOUT_ALL
from tokens.errors import SessionRevoked
from tokens.models import Session
from tokens.services import revocation

pytestmark = pytest.mark.django_db


@pytest.fixture
def person():
    user = UserFactory(raw_password=PASSWORD)
    return SessionUser(user=user, session_id=open_session(user=user).session_id)


@pytest.fixture
def come_back(issuer):
    """Return the callback of a provider for an authorization with a purpose."""

    def go(session_user, purpose=SocialPurpose.LINK):
        departure = authorizations.begin(
            provider_id="fake",
            redirect_uri=REDIRECT_URI,
            purpose=purpose,
            session_user=session_user,
            now=timezone.now(),
        )
        issuer.nonce = parse_qs(urlsplit(departure.url).query)["nonce"][0]
        return ProviderCallback(code="a-code", state=departure.state)

    return go


class TestLink:
    def test_connects_whoever_the_address_belongs_to(self, person, come_back, events):
        UserFactory(email="mina@example.com")
        added = connections.link(
            provider_id="fake", callback=come_back(person), session_user=person, now=timezone.now()
        )
        assert links.list_links(person.user.pk) == [added]
        assert events("social.account_linked").get().target_id == str(person.user.pk)

    def test_refuses_what_is_connected_to_somebody_else(self, person, come_back, now):
        social.link(UserFactory(), now=now)
        with pytest.raises(SocialAccountInUse):
            connections.link(provider_id="fake", callback=come_back(person), session_user=person, now=timezone.now())

    def test_refuses_what_is_connected_already(self, person, come_back, now):
        social.link(person.user, now=now)
        with pytest.raises(AlreadyExists):
            connections.link(provider_id="fake", callback=come_back(person), session_user=person, now=timezone.now())

    def test_connects_nothing_when_the_session_has_ended_since_the_request_came(self, person, come_back, events):
        returned = come_back(person)
        revocation.end_sessions(user_id=person.user.pk, reason=PASSWORD_CHANGE, now=timezone.now())

        with pytest.raises(SocialTokenInvalid):
            connections.link(provider_id="fake", callback=returned, session_user=person, now=timezone.now())
        assert links.list_links(person.user.pk) == []
        assert events("social.login_failed").get().risk_reasons == ["session_ended"]

    def test_refuses_a_state_that_was_made_to_sign_in(self, person, come_back):
        returned = come_back(None, SocialPurpose.SIGN_IN)
        with pytest.raises(SocialTokenInvalid):
            connections.link(provider_id="fake", callback=returned, session_user=person, now=timezone.now())


class TestUnlink:
    def test_removes_a_sign_in_method_and_mails_the_owner(self, person, now, events):
        link = social.link(person.user, now=now)
        connections.unlink(user=person.user, link_id=link.id, now=timezone.now())
        assert links.list_links(person.user.pk) == []
        assert events("social.account_unlinked").get().data == {"provider": "fake"}

    def test_finds_no_connections_of_other_users(self, person, now):
        link = social.link(UserFactory(), now=now)
        for link_id in (link.id, uuid4()):
            with pytest.raises(NotFound):
                connections.unlink(user=person.user, link_id=link_id, now=timezone.now())

    def test_knows_what_another_application_of_allauth_left(self, person):
        SocialAccount.objects.create(user=person.user, provider="fake", uid="old", extra_data={"sub": "old"})
        (link,) = links.list_links(person.user.pk)
        connections.unlink(user=person.user, link_id=link.id, now=timezone.now())
        assert links.list_links(person.user.pk) == []

    def test_keeps_the_last_sign_in_method(self, now):
        user = UserFactory()
        link = social.link(user, now=now)
        with pytest.raises(LastSignInMethod):
            connections.unlink(user=user, link_id=link.id, now=timezone.now())
        assert links.list_links(user.pk) == [link]

    def test_is_fine_with_another_account_of_a_provider(self, now):
        user = UserFactory()
        first, second = social.link(user, now=now), social.link(user, now=now, uid="2")
        connections.unlink(user=user, link_id=first.id, now=timezone.now())
        with pytest.raises(LastSignInMethod):
            connections.unlink(user=user, link_id=second.id, now=timezone.now())

    def test_is_fine_with_a_passkey_and_not_with_a_mere_second_factor(self, now):
        user = UserFactory()
        link = social.link(user, now=now)
        add_totp(user, now=now)
        # A mere security key is not discoverable, and no way in.
        add_key(user, now=now)
        stored = Authenticator.objects.get(type="webauthn")
        stored.data["credential"]["clientExtensionResults"] = {}
        stored.save()
        with pytest.raises(LastSignInMethod):
            connections.unlink(user=user, link_id=link.id, now=timezone.now())
        add_key(user, now=now, is_passkey=True)
        connections.unlink(user=user, link_id=link.id, now=timezone.now())

    def test_looks_at_the_password_that_is_stored(self, person, now):
        link = social.link(person.user, now=now)
        User.objects.update(password="!gone meanwhile")
        with pytest.raises(LastSignInMethod):
            connections.unlink(user=person.user, link_id=link.id, now=timezone.now())


class TestReauthenticate:
    def test_makes_the_session_fresh(self, person, come_back, issuer, now, events):
        social.link(person.user, now=now)
        Session.objects.update(authenticated_at=now)
        returned = come_back(person, SocialPurpose.REAUTHENTICATE)
        issuer.claims = {"auth_time": int(time.time())}

        at = connections.reauthenticate(provider_id="fake", callback=returned, session_user=person, now=timezone.now())

        session = Session.objects.get()
        assert session.authenticated_at == at > now
        assert session.second_factor_at is None
        assert events("authentication.reauthenticated").get().data == {"amr": ["fed"], "provider": "fake"}

    @pytest.mark.parametrize("auth_time", [None, 1, "now", True, 10**30, -5])
    def test_is_not_satisfied_by_an_old_sign_in_at_the_provider(self, person, come_back, issuer, now, auth_time):
        social.link(person.user, now=now)
        returned = come_back(person, SocialPurpose.REAUTHENTICATE)
        issuer.claims = {"auth_time": auth_time}
        with pytest.raises(SocialTokenInvalid):
            connections.reauthenticate(provider_id="fake", callback=returned, session_user=person, now=timezone.now())

    def test_takes_the_word_of_providers_that_do_not_tell_when(self, person, come_back, issuer, now, settings):
        settings.ACCOUNTS = {**settings.ACCOUNTS, "SOCIAL_PROVIDERS": [issuer.provider(kind="google")]}
        social.link(person.user, now=now)
        returned = come_back(person, SocialPurpose.REAUTHENTICATE)
        assert connections.reauthenticate(
            provider_id="fake", callback=returned, session_user=person, now=timezone.now()
        )

    def test_refuses_the_account_of_another_user(self, person, come_back, issuer, now, events):
        social.link(UserFactory(), now=now)
        returned = come_back(person, SocialPurpose.REAUTHENTICATE)
        issuer.claims = {"auth_time": int(time.time())}
        with pytest.raises(SocialTokenInvalid):
            connections.reauthenticate(provider_id="fake", callback=returned, session_user=person, now=timezone.now())
        assert events("social.login_failed").get().risk_reasons == ["foreign_account"]

    def test_is_over_with_the_session(self, person, come_back, issuer, now):
        social.link(person.user, now=now)
        returned = come_back(person, SocialPurpose.REAUTHENTICATE)
        issuer.claims = {"auth_time": int((timezone.now() + timedelta(seconds=1)).timestamp())}
        revocation.end_sessions(user_id=person.user.pk, reason=LOGOUT_ALL, now=timezone.now())
        with pytest.raises(SessionRevoked):
            connections.reauthenticate(provider_id="fake", callback=returned, session_user=person, now=timezone.now())
