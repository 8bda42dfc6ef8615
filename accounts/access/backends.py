"""The authentication backend of Django projects that have no other one for permissions.

It authenticates nobody: it answers ``user.has_perm`` by the policy. Django itself lets active superusers do everything,
before it asks any backend.
"""

from typing import Any

from django.contrib.auth.backends import BaseBackend

from accounts.access.services.django_permissions import (
    django_permissions_of,
    has_app_permission,
    has_django_permission,
)
from accounts.access.services.visible_rows.queries import may_do
from accounts.access.services.visible_rows.row_types import RowsNotDeclared


class PolicyBackend(BaseBackend):
    """Decides permissions of Django, and actions on rows of models that ``declare_rows`` was called for."""

    def has_perm(self, user_obj: Any, perm: str, obj: Any = None) -> bool:
        """Return whether a user has a permission.

        With an object, the last part of the permission is the action: ``has_perm("library.read", document)`` asks
        whether the user may ``read`` that document.
        """
        if obj is None:
            return has_django_permission(user_obj, perm)
        try:
            return may_do(user_obj, obj, perm.rpartition(".")[2])
        except RowsNotDeclared:
            return False

    def has_module_perms(self, user_obj: Any, app_label: str) -> bool:
        """Return whether a user has any permission of an app."""
        return has_app_permission(user_obj, app_label)

    def get_user_permissions(self, user_obj: Any, obj: Any = None) -> set[str]:
        """Return the permissions of Django that declared permissions give; rules about others are not listed."""
        return django_permissions_of(user_obj) if obj is None else set()

    def get_group_permissions(self, user_obj: Any, obj: Any = None) -> set[str]:
        """Return none: roles take the place of groups."""
        del user_obj, obj
        return set()
