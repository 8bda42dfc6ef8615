"""Who a user is to access control: roles and attributes, from the user's row alone.

``settings.ACCESS`` and ``settings.TOKENS`` name these functions. ``role_grants`` of the row is a copy of the grants of
access control, kept by a receiver in the transaction of each change: no request needs a query for it.
"""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from accounts.access.deciding.privileges import Holder
from accounts.access.types import SubjectFacts
from security_events import context as request_context
from tokens.models import ServiceClient
from tokens.types import ServiceCaller

USER, CLIENT = "user:", "client:"
_NO_ROLES: frozenset[str] = frozenset()


def facts_of(user: Any, at: datetime) -> SubjectFacts | None:
    """Return who the user of a request is; ``None`` for nobody, and for an account that is closed.

    A service client's roles are the scopes of its token, since each scope is a permission and so a role, and those that
    it was granted. The scopes bound it all the same.
    """
    if isinstance(user, ServiceCaller):
        scopes = frozenset(user.scopes)
        return SubjectFacts(f"{CLIENT}{user.pk}", scopes | roles_at(user, at), {"id": str(user.pk)}, scopes)
    if user is None or not getattr(user, "is_active", False) or getattr(user, "deleted_at", None) is not None:
        return None
    return SubjectFacts(f"{USER}{user.pk}", roles_at(user, at), attributes_of(user))


def attributes_of(user: Any) -> Mapping[str, Any]:
    """Return what rules can ask about a person, as ``subject.*``."""
    return {
        "id": str(user.pk),
        "department": user.department,
        "location": user.location,
        "tier": str(user.tier),
        "email_confirmed": user.is_email_confirmed,
    }


def context_of(user: Any) -> Mapping[str, Any]:
    """Return what rules can ask about the request that this user makes.

    These are the address, when the second factor was shown last, and the risk of the sign-in that opened the session.
    The authentication of a request leaves its principal on the user. What is not known is missing: a second factor that
    was never shown, and a risk that was not computed.
    """
    context: dict[str, Any] = {}
    address = request_context.current().ip_address
    if address:
        context["ip_address"] = address
    principal = getattr(user, "presented_principal", None)
    if principal is not None and principal.second_factor_at is not None:
        context["factor_at"] = principal.second_factor_at.timestamp()
    if principal is not None and principal.sign_in_risk is not None:
        context["risk"] = principal.sign_in_risk
    return context


def roles_at(user: Any, at: datetime) -> frozenset[str]:
    """Return the roles that a person or a service client was granted and has at an instant.

    The columns ``is_staff`` and ``is_superuser`` give none.
    """
    if not user.role_grants:
        return _NO_ROLES
    instant = at.timestamp()
    return frozenset(name for name, ends in unpack(user.role_grants).items() if ends is None or ends > instant)


def grants_of(user: Any) -> Mapping[str, datetime | None]:
    """Return the roles that a user was granted with their ends, ended ones too, closed accounts included."""
    return {
        name: datetime.fromtimestamp(ends, UTC) if ends else None for name, ends in unpack(user.role_grants).items()
    }


def holder_of(user: Any, context: Mapping[str, Any] | None = None) -> Holder:
    """Return a person as privileges are compared; a closed account keeps them, because it may be opened again."""
    return Holder(f"{USER}{user.pk}", grants_of(user), attributes_of(user), context or {})


def holder_of_client(client: ServiceClient) -> Holder:
    """Return a service client as privileges are compared: its scopes are roles without an end."""
    return Holder(f"{CLIENT}{client.pk}", {**dict.fromkeys(client.scopes), **grants_of(client)}, {"id": str(client.pk)})


def client_id(subject: str) -> UUID | None:
    """Return the id of the service client whom ``client:<id>`` names; ``None`` for any other subject."""
    return _id_in(subject, CLIENT)


def user_id(subject: str) -> UUID | None:
    """Return the id of the person whom ``user:<id>`` names; ``None`` for any other subject."""
    return _id_in(subject, USER)


def _id_in(subject: str, kind: str) -> UUID | None:
    try:
        return UUID(subject.removeprefix(kind)) if subject.startswith(kind) else None
    except ValueError:
        return None


def pack(grants: Mapping[str, datetime | None]) -> str:
    """Return grants as the row keeps them: names by spaces, with ``@`` and the seconds since 1970 if they end.

    Parts of a second are left out, so that none is longer here than it was granted.
    """
    return " ".join(name + (f"@{int(ends.timestamp())}" if ends else "") for name, ends in sorted(grants.items()))


def unpack(text: str) -> Mapping[str, int | None]:
    """Return what ``pack`` packed: the end of each role in seconds since 1970, ``None`` if it has none."""
    found: dict[str, int | None] = {}
    for part in text.split():
        name, _, ends = part.partition("@")
        found[name] = int(ends) if ends else None
    return found
