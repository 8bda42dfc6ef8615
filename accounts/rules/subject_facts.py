"""Who a user is to access control: roles and attributes, from the user's row alone.

``settings.ACCESS`` and ``settings.TOKENS`` name these functions. ``role_grants`` of the row is a copy of the grants of
access control, kept by a receiver in the transaction of each change: no request needs a query for it.
"""

from collections.abc import Mapping
from datetime import datetime
from typing import Any
from uuid import UUID

from accounts.access.conf import ADMINISTRATOR
from accounts.access.types import SubjectFacts
from tokens.types import ServiceCaller

USER, CLIENT = "user:", "client:"


def facts_of(user: Any, at: datetime) -> SubjectFacts | None:
    """Return who the user of a request is; ``None`` for nobody, and for an account that is closed.

    A service client's roles are the scopes of its token: each scope is a permission, and so a role.
    """
    if isinstance(user, ServiceCaller):
        return SubjectFacts(f"{CLIENT}{user.pk}", user.scopes, {"id": str(user.pk)})
    if user is None or not getattr(user, "is_active", False) or getattr(user, "deleted_at", None) is not None:
        return None
    attributes = {
        "id": str(user.pk),
        "department": user.department,
        "location": user.location,
        "tier": str(user.tier),
        "is_staff": user.is_staff,
        "email_confirmed": user.is_email_confirmed,
    }
    return SubjectFacts(f"{USER}{user.pk}", roles_at(user, at), attributes)


def roles_at(user: Any, at: datetime) -> frozenset[str]:
    """Return the roles that a user has at an instant. Superusers are administrators."""
    granted = {name for name, ends in unpack(user.role_grants).items() if ends is None or ends > at.timestamp()}
    return frozenset(granted | {ADMINISTRATOR}) if user.is_superuser else frozenset(granted)


def user_id(subject: str) -> UUID | None:
    """Return the id of the person whom ``user:<id>`` names; ``None`` for any other subject."""
    try:
        return UUID(subject.removeprefix(USER)) if subject.startswith(USER) else None
    except ValueError:
        return None


def pack(grants: Mapping[str, datetime | None]) -> str:
    """Return grants as the row keeps them: names by spaces, with ``@`` and the seconds since 1970 if they end."""
    return " ".join(name + (f"@{ends.timestamp():.0f}" if ends else "") for name, ends in sorted(grants.items()))


def unpack(text: str) -> Mapping[str, float | None]:
    """Return what ``pack`` packed: the end of each role in seconds since 1970, ``None`` if it has none."""
    found: dict[str, float | None] = {}
    for part in text.split():
        name, _, ends = part.partition("@")
        found[name] = float(ends) if ends else None
    return found
