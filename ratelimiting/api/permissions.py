"""The default of the setting ``API_PERMISSIONS``: who may use the API of the policies."""

from collections.abc import Sequence
from typing import ClassVar

from rest_framework.permissions import BasePermission
from rest_framework.request import Request
from rest_framework.views import APIView

from ratelimiting.conf import rate_limiting_settings

READ, CHANGE = "rate_limits:read", "rate_limits:change"


class MayAdministerPolicies(BasePermission):
    """Permits an action to the users whom the setting ``MAY`` permits it, as in the admin."""

    action: ClassVar[str] = CHANGE

    def has_permission(self, request: Request, view: APIView) -> bool:
        del view
        return rate_limiting_settings.MAY(request.user, self.action)


class MayReadPolicies(MayAdministerPolicies):
    """Permits reading."""

    action = READ


def from_setting_may(action: str) -> Sequence[BasePermission]:
    """For ``API_PERMISSIONS``, the default: ask the function that ``MAY`` names."""
    return [MayReadPolicies() if action == READ else MayAdministerPolicies()]
