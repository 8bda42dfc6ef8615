"""Several changes of an account are made together or not at all."""

import pytest

from accounts.errors import DetailsInvalid, OwnAccount, VersionMismatch
from accounts.models import User
from accounts.services.administration import person_changes
from accounts.services.administration.attributes import AttributeChange
from accounts.services.administration.person_changes import PersonChange
from tests.factories.accounts import PASSWORD, UserFactory

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("empty_queue")]


class TestChange:
    @pytest.fixture
    def boss(self):
        return UserFactory(admin=True, raw_password=PASSWORD)

    def change(self, user, boss, now, versions=None, **wanted):
        person_changes.change(
            user=user, wanted=PersonChange(**wanted), versions=versions, by=boss, reason="ticket 7", now=now
        )
        user.refresh_from_db()

    def test_does_all_of_it(self, boss, now, events):
        user = UserFactory(roles=("users:read",))
        self.change(user, boss, now, attributes=AttributeChange(department="Sales"), is_active=False, is_staff=False)

        assert (user.department, user.is_active, user.is_staff, user.role_grants) == ("Sales", False, False, "")
        kinds = ("account.attributes_changed", "account.deactivated", "staff_rights.withdrawn", "role.revoked")
        assert [events(kind).get().data["note"] for kind in kinds] == ["ticket 7"] * 4

    def test_leaves_what_is_not_given(self, boss, now):
        user = UserFactory(is_active=False)
        self.change(user, boss, now)
        assert (user.is_active, user.version) == (False, 1)
        self.change(user, boss, now, is_active=True)
        assert user.is_active

    @pytest.mark.parametrize(
        ("wanted", "versions", "error"),
        [({"is_staff": True}, None, DetailsInvalid), ({}, frozenset({7}), VersionMismatch)],
    )
    def test_does_nothing_when_a_part_is_refused(self, boss, now, wanted, versions, error):
        user = UserFactory()
        with pytest.raises(error):
            self.change(user, boss, now, versions, is_active=False, **wanted)
        assert User.objects.get(pk=user.pk).is_active

    def test_is_for_others(self, boss, now):
        with pytest.raises(OwnAccount):
            self.change(boss, boss, now, is_active=False)
