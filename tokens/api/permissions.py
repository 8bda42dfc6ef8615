"""Permissions."""

from collections.abc import Sequence
from typing import Any

from rest_framework.permissions import BasePermission
from rest_framework.request import Request

from tokens.conf import token_settings
from tokens.types import AccessClaims, Principal, ServicePrincipal


class HasAccessToken(BasePermission):
    """Allow requests with a person's token, which the view's authentication class has accepted."""

    def has_permission(self, request: Request, view: Any) -> bool:
        return isinstance(request.auth, Principal | AccessClaims)


class HasAnyAccessToken(BasePermission):
    """Allow requests with an accepted token of a person or of a service client."""

    def has_permission(self, request: Request, view: Any) -> bool:
        return isinstance(request.auth, Principal | ServicePrincipal)


class MayDo(BasePermission):
    """Allow an action to the users whom the setting ``MAY`` allows it, and to service clients with its scope."""

    def __init__(self, action: str) -> None:
        self.action = action

    def has_permission(self, request: Request, view: Any) -> bool:
        return request.user is not None and token_settings.MAY(request.user, self.action)


def from_setting_may(action: str) -> Sequence[BasePermission]:
    """For ``API_PERMISSIONS``, the default: ask the function that ``MAY`` names."""
    return [MayDo(action)]
