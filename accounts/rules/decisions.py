"""May this person do this to that? Every guarded view, page and socket asks here and nowhere else."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

# An action of the contract: the Django permission that allows it to staff who are not superusers.
PERMISSIONS: Mapping[str, str] = MappingProxyType(
    {
        "docs:read": "accounts.view_user",
        "users:read": "accounts.view_user",
        "users:change": "accounts.change_user",
        "sessions:read": "tokens.view_session",
        "sessions:end": "tokens.change_session",
        "keys:read": "tokens.view_signingkey",
        "events:read": "security_events.view_securityevent",
        "tokens:introspect": "tokens.view_tokenfamily",
        "rate_limits:read": "ratelimiting.view_ratelimitpolicy",
        "rate_limits:change": "ratelimiting.change_ratelimitpolicy",
    }
)
ADMIN = "admin"


def may(person: Any, action: str, target: Any = None) -> bool:
    """Say whether a person may do something; only superusers may what is not listed.

    ``target`` is what it is to be done to, ``None`` for all of a kind.
    """
    if person is None or not getattr(person, "is_active", False) or getattr(person, "deleted_at", None) is not None:
        return False
    if person.is_superuser:
        return True
    permission = PERMISSIONS.get(action)
    return permission is not None and bool(person.is_staff) and bool(person.has_perm(permission))


def tier_of(person: Any) -> str:
    """Name a person's tier, without a query, for access tokens."""
    return str(person.tier)


def has_second_factor(person: Any) -> bool:
    """Return whether a person has a second factor, without a query."""
    return bool(person.is_mfa_enabled)


def roles_of(person: Any) -> list[str]:
    """Name a person's roles, without a query, for access tokens and the account's own page."""
    return [ADMIN] if person.is_superuser else []
