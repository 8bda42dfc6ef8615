"""The default of the setting ``API_PERMISSIONS``: the policy itself says who may use the API of this app."""

from collections.abc import Sequence

from rest_framework.permissions import BasePermission
from rest_framework.request import Request
from rest_framework.views import APIView

from accounts.access.services.decisions import may


class HasPermission(BasePermission):
    """Allow callers who have a permission by the policy in force."""

    def __init__(self, permission: str) -> None:
        self.action = permission

    def has_permission(self, request: Request, view: APIView) -> bool:
        del view
        return may(request.user, self.action)


def from_policy(permission: str) -> Sequence[BasePermission]:
    """For ``API_PERMISSIONS``, the default: ask the policy."""
    return [HasPermission(permission)]
