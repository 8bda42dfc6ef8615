"""An upgrade turns the rights that staff had by Django's tables into roles."""

from importlib import import_module

import pytest
from django.apps import apps
from django.contrib.auth.models import Group, Permission

from accounts.access.known_permissions import KNOWN_PERMISSIONS
from accounts.access.models import RoleGrant
from accounts.models import User
from accounts.rules.subject_facts import grants_of
from tests.factories.accounts import UserFactory

pytestmark = pytest.mark.django_db
migration = import_module("accounts.migrations.0020_roles_for_present_rights")


def permission(name):
    app_label, codename = name.split(".")
    return Permission.objects.get(content_type__app_label=app_label, codename=codename)


def test_gives_what_each_had():
    boss, clerk, person, idle = (UserFactory() for _ in range(4))
    User.objects.filter(pk=boss.pk).update(is_staff=True, is_superuser=True)
    User.objects.filter(pk__in=[clerk.pk, idle.pk]).update(is_staff=True)
    group = Group.objects.create(name="helpers")
    group.permissions.add(permission("accounts.change_user"), permission("auth.view_group"))
    clerk.groups.add(group)
    for user in (clerk, person):
        user.user_permissions.add(permission("tokens.view_session"))

    for _ in range(2):  # a second run changes nothing
        migration.give_roles(apps, None)

    found = {user: User.objects.get(pk=user.pk) for user in (boss, clerk, person, idle)}
    assert dict(grants_of(found[boss])) == {"admin": None}
    assert set(grants_of(found[clerk])) == {"sessions:read", "users:change", "factors:reset"}
    assert not grants_of(found[person])  # whose permission opened nothing, without being staff
    assert [found[user].is_staff for user in (boss, clerk, person, idle)] == [True, True, False, False]
    stored = RoleGrant.objects.filter(subject=f"user:{clerk.pk}").values_list("role", flat=True)
    assert set(stored) == set(grants_of(found[clerk]))


def test_knows_permissions_that_exist():
    given = {role for roles in migration._PERMISSIONS.values() for role in roles}
    assert given <= set(KNOWN_PERMISSIONS)
    for name in migration._PERMISSIONS:
        assert permission(name)
