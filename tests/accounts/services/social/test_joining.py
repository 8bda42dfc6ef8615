"""Which account a sign-in by a provider gets: the table of linking, cell by cell, in the database."""

from itertools import product

import pytest
from allauth.mfa.models import Authenticator
from django.contrib.auth.hashers import is_password_usable
from procrastinate.contrib.django.models import ProcrastinateJob

from accounts.errors import AccountDisabled, ProviderAddressUnverified
from accounts.models import PendingRegistration, ProviderToken, SocialAuthorization, User
from accounts.providers import links
from accounts.providers.identity import ProviderTokens
from accounts.rules.account_linking import (
    LINKING_TABLE,
    LinkingAction,
    LocalAccountState,
    ProviderTrust,
    provider_trust,
)
from accounts.services.factors import sign_in_challenges
from accounts.services.mailing import mail_queue
from accounts.services.social import joining
from tests.factories import social
from tests.factories.accounts import PASSWORD, PasswordHistoryFactory, UserFactory
from tests.factories.registrations import PendingRegistrationFactory
from tests.factories.tokens import open_session
from tokens.models import Session

pytestmark = pytest.mark.django_db
ADDRESS = "mina@example.com"
WORTH = {ProviderTrust.NONE: False, ProviderTrust.VERIFIED_CLAIM: None, ProviderTrust.DOMAIN_OWNER: ("example.com",)}
CELLS = list(product((False, True), ProviderTrust, LocalAccountState))


def local_account(state, *, now):
    if state is LocalAccountState.NONE:
        return None
    members = {
        LocalAccountState.UNCONFIRMED: {"email_confirmed_at": None},
        LocalAccountState.DISABLED: {"is_active": False},
        LocalAccountState.DELETED: {"deleted_at": now},
    }.get(state, {})
    return UserFactory(email=ADDRESS, raw_password=PASSWORD, **members)


def settle(*, now, trusted_for_email=None, **members):
    provider = social.provider(trusted_for_email=trusted_for_email)
    return joining.resolve_user(provider=provider, identity=social.identity(**members), now=now)


class TestSettle:
    @pytest.mark.parametrize(("says_verified", "worth", "local"), CELLS)
    def test_does_what_the_table_says(self, now, events, says_verified, worth, local):
        before = local_account(local, now=now)
        assert provider_trust(WORTH[worth], ADDRESS) is worth
        action = LINKING_TABLE[says_verified, worth][local]

        if action in (LinkingAction.REFUSE_UNVERIFIED, LinkingAction.REFUSE_CLOSED):
            refusal = ProviderAddressUnverified if action is LinkingAction.REFUSE_UNVERIFIED else AccountDisabled
            with pytest.raises(refusal):
                settle(now=now, trusted_for_email=WORTH[worth], is_email_verified=says_verified)
            assert links.find(social.identity()) is None
            assert User.objects.count() == (0 if before is None else 1)
            assert not events("social.account_linked").exists()
            if before is not None:
                assert User.objects.get().password == before.password
            return

        user = settle(now=now, trusted_for_email=WORTH[worth], is_email_verified=says_verified)

        stored = User.objects.get()
        assert stored.pk == user.pk
        assert (before is None) == (action is LinkingAction.OPEN_ACCOUNT)
        assert before is None or stored.pk == before.pk
        assert stored.is_email_confirmed
        assert is_password_usable(stored.password) == (action is LinkingAction.LINK)
        assert links.find(social.identity()).user_id == stored.pk
        assert events("social.account_linked").get().data == {"provider": "fake"}
        assert events("account.registered").exists() == (action is LinkingAction.OPEN_ACCOUNT)
        assert events("social.account_preempted").exists() == (action is LinkingAction.RECLAIM)

    def test_finds_whom_it_connected_whatever_the_address_has_become(self, now):
        user = settle(now=now)
        assert settle(now=now, email="other@example.com", is_email_verified=False).pk == user.pk
        assert settle(now=now, email=None).pk == user.pk

    def test_refuses_a_user_without_an_address(self, now):
        with pytest.raises(ProviderAddressUnverified):
            settle(now=now, email=None, trusted_for_email=True)

    def test_refuses_users_who_were_deleted_meanwhile(self, now):
        User.objects.filter(pk=settle(now=now).pk).update(deleted_at=now)
        with pytest.raises(AccountDisabled):
            settle(now=now)

    def test_compares_addresses_without_regard_to_case(self, now):
        owner = UserFactory(email="Mina@Example.com")
        assert settle(now=now, email="mina@example.COM").pk == owner.pk

    def test_tells_the_person(self, now, empty_queue):
        user = settle(now=now)
        (job,) = ProcrastinateJob.objects.filter(task_name=mail_queue.SEND_TASK)
        assert job.args["kind"] == "social_account_linked"
        assert job.args["user_id"] == str(user.pk)
        assert job.args["details"] == {"provider": "Fake"}


class TestAnOpenedAccount:
    def test_is_named_after_the_person_and_speaks_their_language(self, now):
        provider = social.provider()
        user = joining.resolve_user(provider=provider, identity=social.identity(), locale="fa", now=now)
        assert (user.username, user.full_name, user.locale) == ("mina-karimi", "Mina Karimi", "fa")

    def test_gets_a_name_of_its_own_where_that_is_taken(self, now):
        UserFactory(username="Mina-Karimi", email="first@example.com")
        username = settle(now=now).username
        assert username.startswith("mina-karimi-")

    @pytest.mark.parametrize("name", ["", "admin", "مینا", "a", "Ω" * 40, "support", "--", "x" * 150, "root@b.com"])
    def test_gets_an_acceptable_name_whatever_the_person_is_called(self, now, name):
        user = settle(now=now, name=name)
        assert user.username.lower() not in {"admin", "support"}
        assert 3 <= len(user.username) <= 50
        user.full_clean(exclude=["password", "email_folded"])

    def test_gets_no_name_that_a_registration_has_reserved(self, now):
        PendingRegistrationFactory(username="MINA-KARIMI", email=ADDRESS, created_at=now)

        user = settle(now=now, name="Mina Karimi")

        assert user.username.startswith("mina-karimi-")
        assert PendingRegistration.objects.exists()

    def test_does_not_tell_the_address_in_its_name(self, now):
        assert "secret" not in settle(now=now, name="", email="secret.person@example.com").username


class TestAReclaimedAccount:
    def test_keeps_no_credential_of_the_earlier_registration(self, now):
        squatter = UserFactory(email=ADDRESS, raw_password=PASSWORD, email_confirmed_at=None, is_mfa_enabled=True)
        PasswordHistoryFactory(user=squatter)
        open_session(user=squatter, now=now)
        sign_in_challenges.issue(user=squatter, amr=["pwd"], now=now)
        social.link(squatter, now=now, uid="the squatter's own", email="squatter@example.com")
        Authenticator.objects.create(user=squatter, type="totp", data={"secret": "of the squatter"})
        social.begin_linking(squatter, session_id=squatter.pk, now=now)

        user = settle(now=now)

        assert user.pk == squatter.pk
        assert not is_password_usable(user.password)
        assert user.email_confirmed_at == now
        assert user.version == squatter.version + 1
        assert not user.is_mfa_enabled
        assert not Authenticator.objects.exists()
        assert not SocialAuthorization.objects.exists()
        assert not user.password_history.exists()
        assert not Session.objects.filter(ended_at__isnull=True).exists()
        assert [link.email for link in links.list_links(user.pk)] == [ADDRESS]

    def test_leaves_an_event_of_what_was_taken(self, now, events):
        squatter = UserFactory(email=ADDRESS, email_confirmed_at=None)
        open_session(user=squatter, now=now)

        settle(now=now)

        assert events("social.account_preempted").get().data == {
            "provider": "fake",
            "ended_sessions": 1,
            "removed_factors": 0,
            "removed_social_accounts": 0,
            "removed_pending_links": 0,
        }


class TestProviderTokens:
    TOKENS = ProviderTokens(access_token="their access token", refresh_token="their refresh token")

    def test_are_stored_encrypted(self, now):
        settle(now=now, tokens=self.TOKENS)

        stored = ProviderToken.objects.get()
        assert (stored.access_token, stored.refresh_token) == ("their access token", "their refresh token")
        raw = ProviderToken.objects.extra(select={"raw": "access_token || refresh_token"}).get().raw
        assert "their" not in raw

    def test_are_renewed_by_the_next_sign_in(self, now):
        settle(now=now, tokens=self.TOKENS)
        settle(now=now, tokens=ProviderTokens(access_token="a newer one"))
        stored = ProviderToken.objects.get()
        assert (stored.access_token, stored.refresh_token) == ("a newer one", "their refresh token")

    def test_are_not_kept_where_there_are_none(self, now):
        settle(now=now)
        assert not ProviderToken.objects.exists()
