"""Permissions."""

from typing import Any

from rest_framework.permissions import BasePermission
from rest_framework.request import Request


class HasAccessToken(BasePermission):
    """Allow requests whose token the view's authentication class has accepted."""

    def has_permission(self, request: Request, view: Any) -> bool:
        return request.auth is not None
