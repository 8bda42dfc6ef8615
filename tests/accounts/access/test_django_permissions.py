"""Permissions of Django are answered by the policy."""

import pytest

from accounts.access.services.django_permissions import (
    django_permissions_of,
    has_app_permission,
    has_django_permission,
)
from tests.factories.accounts import UserFactory, give

pytestmark = pytest.mark.django_db


def test_come_with_the_permissions_that_name_them():
    user = UserFactory()
    give(user, "users:read")

    assert has_django_permission(user, "accounts.view_user")
    assert not has_django_permission(user, "accounts.change_user")
    assert has_app_permission(user, "accounts")
    assert not has_app_permission(user, "tokens")
    assert django_permissions_of(user) == {"accounts.view_user"}


def test_that_no_permission_names_are_objects(policy):
    user = UserFactory()
    policy.allow(f"user:{user.pk}", "django/library/publish", action="use")

    assert has_django_permission(user, "library.publish")
    assert not has_django_permission(user, "library.delete")
    assert not has_django_permission(user, "library")
    assert not has_django_permission(None, "library.publish")
