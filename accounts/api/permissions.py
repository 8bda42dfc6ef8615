"""Permissions as permission classes of Django REST framework."""

from functools import cache
from typing import ClassVar

from rest_framework.permissions import BasePermission
from rest_framework.request import Request
from rest_framework.views import APIView

from accounts import event_types
from accounts.access.services.decisions import may
from cedrina_base import database_clock
from security_events.services import deduplication
from tokens.api.problems import as_api_exception
from tokens.api.step_up import RequiredFactor, check_requirement, requires
from tokens.errors import TokenError
from tokens.types import Principal, ServiceCaller
from tokens.users import subject_of


class ActionPermission(BasePermission):
    """Allow users who may do the action of the subclass. A refusal of an authenticated user is recorded."""

    action: ClassVar[str]

    def has_permission(self, request: Request, view: APIView) -> bool:
        user = request.user
        is_allowed = may(user, self.action)
        if not is_allowed and (isinstance(user, ServiceCaller) or getattr(user, "is_authenticated", False)):
            deduplication.record(
                event_types.PERMISSION_DENIED,
                actor=subject_of(user),
                reasons=[self.action],
                session_id=getattr(request.auth, "session_id", None),
                now=database_clock.now(),
            )
        return is_allowed


@cache  # of a few names; to make a class takes longer than to ask it
def action_permission(action: str) -> type[ActionPermission]:
    """Return the permission class of an action, for ``permission_classes``."""
    return type("ActionPermission", (ActionPermission,), {"action": action})


class RecentSecondFactor(BasePermission):
    """Ask for a recent sign-in, with the second factor if the user has one, before something is changed."""

    def has_permission(self, request: Request, view: APIView) -> bool:
        if not isinstance(request.auth, Principal):
            return False  # a service client can't confirm who it is
        try:
            requirement = requires(factor=RequiredFactor.SECOND)
            check_requirement(requirement, principal=request.auth, user=request.user, now=database_clock.now())
        except TokenError as error:
            raise as_api_exception(error) from error
        return True


# Whoever stole an access token must not let all events be sent to an address of theirs, nor switch off what detects
# them, nor take further rights.
_WITH_SECOND_FACTOR = frozenset(
    {
        "webhooks:change",
        "incidents:change",
        "detection_rules:change",
        "policies:change",
        "policies:approve",
        "roles:grant",
    }
)


def action_permissions(action: str) -> list[BasePermission]:
    """For ``TOKENS["API_PERMISSIONS"]``: our roles decide. The views of ``tokens`` ask for a recent sign-in."""
    further = [RecentSecondFactor()] if action in _WITH_SECOND_FACTOR else []
    return [action_permission(action)(), *further]
