"""The one permission function, as Django REST framework asks for it."""

from typing import ClassVar

from rest_framework.permissions import BasePermission
from rest_framework.request import Request
from rest_framework.views import APIView

from accounts.access.decisions import may


class MayDo(BasePermission):
    """Let somebody through who may do the action that a subclass names."""

    action: ClassVar[str]

    def has_permission(self, request: Request, view: APIView) -> bool:  # noqa: ARG002 - the framework's signature
        return may(request.user, self.action)


def may_do(action: str) -> type[MayDo]:
    """Return the permission class for an action, to stand in ``permission_classes``."""
    return type("MayDo", (MayDo,), {"action": action})
