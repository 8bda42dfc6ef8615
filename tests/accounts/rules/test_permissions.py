import pytest
from django.contrib.auth.models import Permission

from accounts.models import User
from accounts.rules.permissions import PERMISSIONS, may
from tests.factories.accounts import UserFactory


def grant(user, permission):
    app, codename = permission.split(".")
    user.user_permissions.add(Permission.objects.get(content_type__app_label=app, codename=codename))


@pytest.mark.django_db
class TestMay:
    def test_allows_superusers_everything(self):
        assert may(UserFactory(admin=True), "docs:read")
        assert may(UserFactory(admin=True), "something:else")

    @pytest.mark.parametrize("action", sorted(PERMISSIONS))
    def test_allows_staff_what_their_permissions_say(self, action):
        staff = UserFactory(is_staff=True)
        assert not may(staff, action)

        grant(staff, PERMISSIONS[action])

        assert may(User.objects.get(pk=staff.pk), action)
        assert not may(User.objects.get(pk=staff.pk), "something:else")

    def test_requires_staff_in_addition_to_the_permission(self):
        person = UserFactory()
        grant(person, PERMISSIONS["docs:read"])

        assert not may(person, "docs:read")

    def test_allows_disabled_and_deleted_accounts_nothing(self, now):
        assert not may(None, "docs:read")
        assert not may(UserFactory(admin=True, is_active=False), "docs:read")
        assert not may(UserFactory(admin=True, deleted_at=now), "docs:read")
