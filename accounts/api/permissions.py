"""The one permission function, as Django REST framework asks for it."""

from typing import ClassVar

from django.utils import timezone
from rest_framework.permissions import BasePermission
from rest_framework.request import Request
from rest_framework.views import APIView

from accounts import event_types
from accounts.rules.decisions import may
from security_events.services import deduplication
from tokens.users import subject_of


class MayDo(BasePermission):
    """Let somebody through who may do the action that a subclass names; who is known and may not leaves an event."""

    action: ClassVar[str]

    def has_permission(self, request: Request, view: APIView) -> bool:
        person = request.user
        is_allowed = may(person, self.action)
        if not is_allowed and getattr(person, "is_authenticated", False):
            deduplication.record(
                event_types.PERMISSION_DENIED,
                actor=subject_of(person),
                reasons=[self.action],
                session_id=getattr(request.auth, "session_id", None),
                now=timezone.now(),
            )
        return is_allowed


def may_do(action: str) -> type[MayDo]:
    """Return the permission class for an action, to stand in ``permission_classes``."""
    return type("MayDo", (MayDo,), {"action": action})
