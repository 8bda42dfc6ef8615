import pytest
from django.utils import timezone

from accounts.errors import AccountDisabled, DetailsInvalid
from accounts.models import PasswordHistory, User
from accounts.services.passwords import operator_passwords
from tests import mailbox
from tests.factories.accounts import PASSWORD, UserFactory
from tests.factories.tokens import open_admin_session, open_session
from tokens.models import Session

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("empty_queue")]
OTHER = "copper lantern seven owls"


@pytest.fixture
def mina():
    return UserFactory(username="mina", raw_password=PASSWORD, roles=["users:read"])


class TestChange:
    def test_changes_it_and_ends_all_sessions(self, mina, events):
        open_session(user=mina)
        open_admin_session(user=mina)

        assert operator_passwords.change(user=mina, password=OTHER, reason="she called", now=timezone.now()) == 2

        mina.refresh_from_db()
        assert mina.check_password(OTHER)
        assert PasswordHistory.objects.filter(user=mina).count() == 1
        assert not Session.objects.filter(ended_at=None).exists()
        event = events("password.changed").get()
        assert (event.actor_id, event.target_id) == ("", str(mina.pk))
        assert event.data == {"note": "she called", "ended_sessions": 2}
        assert {event.actor_id for event in events("session.revoked")} == {""}
        assert mailbox.queued() == ["password_changed"]

    @pytest.mark.parametrize(("password", "code"), [("short", "password_too_short"), (PASSWORD, "password_reused")])
    def test_asks_the_same_as_of_everybody(self, mina, password, code):
        with pytest.raises(DetailsInvalid) as refused:
            operator_passwords.change(user=mina, password=password, now=timezone.now())

        assert [problem.code for problem in refused.value.problems] == [code]

    def test_deletes_former_passwords_if_the_setting_is_zero(self, mina, settings):
        settings.ACCOUNTS = {**settings.ACCOUNTS, "PASSWORD_HISTORY": 0}
        assert operator_passwords.change(user=mina, password=PASSWORD, now=timezone.now()) == 0

    def test_sets_one_for_a_user_without_a_password(self):
        user = UserFactory()
        operator_passwords.change(user=user, password=OTHER, now=timezone.now())

        assert User.objects.get().check_password(OTHER)

    def test_leaves_closed_accounts_alone(self, events):
        user = UserFactory(is_active=False, raw_password=PASSWORD)
        with pytest.raises(AccountDisabled):
            operator_passwords.change(user=user, password=OTHER, now=timezone.now())

        assert not events("password.changed").exists()
