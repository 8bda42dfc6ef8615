import pytest

from accounts.access.known_permissions import KNOWN_PERMISSIONS
from accounts.access.services.decisions import may
from accounts.errors import InsufficientPrivileges, LastAdministrator, NotAllowed, OwnAccount
from accounts.services.administration import staff_rights
from tests.factories.accounts import PASSWORD, UserFactory
from tests.factories.tokens import open_session
from tokens.models import Session

pytestmark = pytest.mark.django_db
REASON = "joins the support team"


def grant(user, *rights, by, now):
    is_changed = staff_rights.grant(user=user, rights=rights, by=by, reason=REASON, now=now)
    user.refresh_from_db()
    return is_changed


@pytest.fixture
def boss():
    return UserFactory(admin=True, raw_password=PASSWORD)


class TestGrant:
    def test_makes_somebody_staff_with_these_rights(self, boss, events, now):
        user = UserFactory()

        assert grant(user, "users:read", "sessions:end", by=boss, now=now)

        assert may(user, "users:read")
        assert may(user, "sessions:end")
        assert not may(user, "users:change")
        assert staff_rights.rights_of(user=user) == ["users:read", "sessions:end"]
        assert events("staff_rights.granted").get().data["rights"] == ["sessions:end", "users:read"]

    @pytest.mark.parametrize("right", KNOWN_PERMISSIONS)
    def test_knows_the_permission_of_each_right(self, boss, now, right):
        user = UserFactory()
        grant(user, right, by=boss, now=now)
        assert may(user, right)

    def test_makes_administrators_by_administrators_only(self, boss, staff, now):
        user = UserFactory()
        granting = staff("roles:grant", "users:read")
        with pytest.raises(InsufficientPrivileges):
            grant(user, staff_rights.ADMINISTRATOR, by=granting, now=now)
        assert grant(user, staff_rights.ADMINISTRATOR, by=boss, now=now)
        assert user.is_superuser

    def test_gives_away_nothing_that_one_does_not_have(self, staff, now, events):
        granting, user = staff("roles:grant", "users:read"), UserFactory()

        with pytest.raises(InsufficientPrivileges):
            grant(user, "users:read", "users:change", by=granting, now=now)

        user.refresh_from_db()
        assert not user.is_staff
        assert events("permission.denied").get().risk_reasons == ["roles:grant", "more_rights"]
        assert grant(user, "users:read", by=granting, now=now)

    def test_gives_nothing_to_oneself(self, staff, now):
        granting = staff("roles:grant")
        with pytest.raises(OwnAccount):
            grant(granting, "users:read", by=granting, now=now)

    def test_gives_nothing_to_a_closed_account(self, boss, now):
        assert not grant(UserFactory(is_active=False), "users:read", by=boss, now=now)

    def test_takes_a_right_of_its_own(self, staff, now):
        with pytest.raises(NotAllowed):
            grant(UserFactory(), "users:change", by=staff("users:change"), now=now)


class TestWithdraw:
    def test_takes_all_roles_that_give_permissions_and_ends_the_sessions(self, boss, staff, events, now):
        user = staff("users:read", "users:change")
        open_session(user=user, now=now)

        assert staff_rights.withdraw(user=user, by=boss, reason="left", now=now)

        user.refresh_from_db()
        assert (user.is_staff, user.is_superuser, user.role_grants) == (False, False, "")
        assert Session.objects.get(user=user).end_reason == "staff_rights_withdrawn"
        event = events("staff_rights.withdrawn").get()
        assert event.data == {
            "note": "left",
            "rights": ["users:change", "users:read"],
            "ended_sessions": 1,
        }

    def test_leaves_the_last_administrator(self, boss, now):
        with pytest.raises(LastAdministrator):
            staff_rights.withdraw(user=boss, by=None, reason="command line", now=now)
        UserFactory(admin=True, raw_password=PASSWORD)
        assert staff_rights.withdraw(user=boss, by=None, reason="command line", now=now)
