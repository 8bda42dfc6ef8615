"""Who may call."""

from typing import Any

from rest_framework.permissions import BasePermission
from rest_framework.request import Request


class HasAccessToken(BasePermission):
    """Some token was accepted, by whichever authentication the view names."""

    def has_permission(self, request: Request, view: Any) -> bool:
        return request.auth is not None
