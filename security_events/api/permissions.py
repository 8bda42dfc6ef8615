"""The default of the setting ``API_PERMISSIONS``: who may use the API of this app."""

from collections.abc import Mapping, Sequence
from types import MappingProxyType

from rest_framework.permissions import BasePermission
from rest_framework.request import Request
from rest_framework.views import APIView

READ_EVENTS = "events:read"
READ_WEBHOOKS, CHANGE_WEBHOOKS = "webhooks:read", "webhooks:change"
READ_INCIDENTS, CHANGE_INCIDENTS = "incidents:read", "incidents:change"
READ_RULES, CHANGE_RULES = "detection_rules:read", "detection_rules:change"

# For each action, the Django permission that allows it.
PERMISSIONS: Mapping[str, str] = MappingProxyType(
    {
        READ_EVENTS: "security_events.view_securityevent",
        READ_INCIDENTS: "security_events.view_incident",
        CHANGE_INCIDENTS: "security_events.change_incident",
        READ_RULES: "security_events.view_ruleversion",
        CHANGE_RULES: "security_events.add_ruleversion",
        READ_WEBHOOKS: "security_events.view_webhook",
        CHANGE_WEBHOOKS: "security_events.change_webhook",
    }
)


class HasDjangoPermission(BasePermission):
    """Allow users who have the Django permission of an action."""

    def __init__(self, action: str) -> None:
        self._permission = PERMISSIONS[action]

    def has_permission(self, request: Request, view: APIView) -> bool:
        del view
        user = request.user
        return bool(user and user.is_authenticated and user.has_perm(self._permission))


def django_permission(action: str) -> Sequence[BasePermission]:
    """For ``API_PERMISSIONS``, the default: ask Django's permissions."""
    return [HasDjangoPermission(action)]
