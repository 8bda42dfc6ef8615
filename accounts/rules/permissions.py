"""Decide whether a user may do an action. All guarded views, admin pages and WebSockets use ``may``."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

from tokens.types import ServiceCaller

# For each action of the API, the Django permission that allows it to staff who are not superusers.
PERMISSIONS: Mapping[str, str] = MappingProxyType(
    {
        "docs:read": "accounts.view_user",
        "users:read": "accounts.view_user",
        "users:change": "accounts.change_user",
        "factors:reset": "accounts.change_user",
        "users:create": "accounts.add_user",
        "users:erase": "accounts.delete_user",
        "staff_rights:change": "auth.change_permission",
        "sessions:read": "tokens.view_session",
        "sessions:end": "tokens.change_session",
        "keys:read": "tokens.view_signingkey",
        "events:read": "security_events.view_securityevent",
        "incidents:read": "security_events.view_incident",
        "incidents:change": "security_events.change_incident",
        "detection_rules:read": "security_events.view_ruleversion",
        "detection_rules:change": "security_events.add_ruleversion",
        "webhooks:read": "security_events.view_webhook",
        "webhooks:change": "security_events.change_webhook",
        "tokens:introspect": "tokens.view_tokenfamily",
        "jobs:read": "procrastinate.view_procrastinatejob",
        "service_clients:read": "tokens.view_serviceclient",
        "service_clients:change": "tokens.change_serviceclient",
        "ssf:read": "tokens.view_signalstream",
        "ssf:manage": "tokens.change_signalstream",
        "rate_limits:read": "ratelimiting.view_ratelimitpolicy",
        "rate_limits:change": "ratelimiting.change_ratelimitpolicy",
    }
)


def may(user: Any, action: str, target: Any = None) -> bool:
    """Return whether a user may do an action. An action that is not listed is for superusers only.

    A service client may do what its scopes name. ``target`` is the object of the action, ``None`` for all objects of a
    kind.
    """
    if isinstance(user, ServiceCaller):
        return action in user.scopes
    if user is None or not getattr(user, "is_active", False) or getattr(user, "deleted_at", None) is not None:
        return False
    if user.is_superuser:
        return True
    permission = PERMISSIONS.get(action)
    return permission is not None and bool(user.is_staff) and bool(user.has_perm(permission))
