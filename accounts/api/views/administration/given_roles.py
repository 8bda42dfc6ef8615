"""What the calls about the roles of a person and those of a service client have in common."""

from datetime import datetime
from typing import Any, ClassVar

from drf_spectacular.utils import OpenApiExample
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.access import selectors as access_selectors
from accounts.access.api.base import versioned
from accounts.access.errors import GrantNotFound
from accounts.access.permission_types import GRANT_ROLES
from accounts.access.types import Grant
from accounts.api.base import AccountsAPIView
from accounts.api.permissions import action_permission
from accounts.api.serializers.administration import user_roles as shapes
from accounts.api.serializers.administration.users import ReasonInput

FIELD_CODES = ["required", "invalid", "blank", "max_length", "unknown_field"]
_GRANT = {
    "role": "auditor",
    "expires_at": "2026-02-01T00:00:00Z",
    "is_in_force": True,
    "reason": "audit of the year",
    "granted_by": "019b8d5a-0c1e-7a30-9f52-0d6f6b0f8a10",
    "granted_at": "2026-01-05T10:00:00Z",
}
LIST_EXAMPLES = [OpenApiExample("One", response_only=True, value={"results": [_GRANT], "version": 7})]
READ_EXAMPLES = [OpenApiExample("A role", response_only=True, value=_GRANT)]
GIVE_EXAMPLES = [
    OpenApiExample("For a month", request_only=True, value={name: _GRANT[name] for name in ("expires_at", "reason")}),
    OpenApiExample("Given", response_only=True, value={**_GRANT, "version": 8}),
]


class GivenRolesAPIView(AccountsAPIView):
    """Reading needs the permission to read those who have the roles, changing the one to give roles."""

    read_permission: ClassVar[str]

    def get_permissions(self) -> list[Any]:
        action = self.read_permission if self.request.method == "GET" else GRANT_ROLES.name
        return [*super().get_permissions(), action_permission(action)()]


def grants_answer(subject: str, *, now: datetime, etag: int | None = None) -> Response:
    """Answer with all roles that somebody was given, and the version of the policy."""
    version = access_selectors.head().version
    grants = access_selectors.grants_of(subject=subject)
    body = {"results": [shapes.grant_body(grant, now=now) for grant in grants], "version": version}
    return versioned(Response(body), version, etag=etag)


def find_grant(subject: str, role: str) -> Grant:
    """Return a role that somebody was given. Raises: GrantNotFound."""
    for grant in access_selectors.grants_of(subject=subject):
        if grant.role == role:
            return grant
    raise GrantNotFound


def given_answer(subject: str, role: str, *, version: int, now: datetime, etag: int | None = None) -> Response:
    """Answer with a role that was just given, and the version of the policy that gave it."""
    body = {**shapes.grant_body(find_grant(subject, role), now=now), "version": version}
    return versioned(Response(body), version, etag=etag)


def gift_of(request: Request, *, now: datetime) -> dict[str, Any]:
    """Return why a role is given, and until when: ``reason`` and ``expires_at``."""
    body = shapes.GrantInput(data=request.data, context={"now": now})
    body.is_valid(raise_exception=True)
    return {"reason": body.validated_data["reason"], "expires_at": body.validated_data.get("expires_at")}


def reason_of(request: Request) -> str:
    """Return why a role is taken, which is in the query."""
    query = ReasonInput(data=request.query_params.dict())
    query.is_valid(raise_exception=True)
    return str(query.validated_data["reason"])
