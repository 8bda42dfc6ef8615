"""``/admin/users/{id}/roles``: read the roles of a person, give and take them."""

from typing import Any, ClassVar
from uuid import UUID

from django.utils.translation import gettext_lazy as _
from drf_spectacular.utils import OpenApiExample, extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.access import selectors as access_selectors
from accounts.access.api.base import versioned
from accounts.access.api.described import MADE_VERSION
from accounts.access.errors import GrantNotFound
from accounts.access.permission_types import GRANT_ROLES
from accounts.access.types import Grant
from accounts.api.base import AccountsAPIView, request_operator
from accounts.api.permissions import action_permission
from accounts.api.serializers.administration import user_roles as shapes
from accounts.api.serializers.administration.users import ReasonInput
from accounts.api.views.administration.users import OPERATOR_STEP_UP, STEP_UP_CODES, find_user
from accounts.errors import DetailsInvalid
from accounts.rules.subject_facts import USER
from accounts.services.administration import role_grants
from accounts.services.administration.operator_proofs import is_open
from accounts.types import FieldProblem
from cedrina_base import database_clock

GRANT_EXAMPLE = {
    "role": "auditor",
    "expires_at": "2026-02-01T00:00:00Z",
    "is_in_force": True,
    "reason": "audit of the year",
    "granted_by": "019b8d5a-0c1e-7a30-9f52-0d6f6b0f8a10",
    "granted_at": "2026-01-05T10:00:00Z",
}
GIVEN_EXAMPLE = {"expires_at": "2026-02-01T00:00:00Z", "reason": "audit of the year"}


class UserRolesAPIView(AccountsAPIView):
    """Reading needs the permission to read accounts, changing the one to give roles."""

    def get_permissions(self) -> list[Any]:
        action = "users:read" if self.request.method == "GET" else GRANT_ROLES.name
        return [*super().get_permissions(), action_permission(action)()]


class UserRolesView(UserRolesAPIView):
    """All roles of a person."""

    problem_codes: ClassVar[dict[str, list[str]]] = {"get": ["permission_denied"]}

    @extend_schema(
        operation_id="list_user_roles",
        tags=["administration"],
        summary="List the roles of a person",
        request=None,
        responses={200: shapes.GrantListOutput},
        examples=[OpenApiExample("One", response_only=True, value={"results": [GRANT_EXAMPLE], "version": 7})],
    )
    def get(self, request: Request, user_id: UUID) -> Response:
        """List the roles that a person was given, by name.

        Those that have ended are shown, too, with `is_in_force` false. What they inherit is said by the roles.
        """
        del request
        now, version = database_clock.now(), access_selectors.head().version
        grants = access_selectors.grants_of(subject=_subject(user_id))
        body = {"results": [shapes.grant_body(grant, now=now) for grant in grants], "version": version}
        return versioned(Response(body), version)


class UserRoleView(UserRolesAPIView):
    """One role of a person."""

    step_up: ClassVar = {"put": OPERATOR_STEP_UP, "delete": OPERATOR_STEP_UP}
    problem_codes: ClassVar[dict[str, list[str]]] = {
        "get": ["permission_denied"],
        "put": ["permission_denied", "separation_of_duty", *STEP_UP_CODES],
        "delete": ["permission_denied", "validation_error", *STEP_UP_CODES],
    }
    field_codes: ClassVar[dict[str, list[str]]] = {
        "put": ["required", "invalid", "blank", "max_length", "unknown_field"],
        "delete": ["required", "invalid", "blank", "max_length", "unknown_field"],
    }

    @extend_schema(
        operation_id="read_user_role",
        tags=["administration"],
        summary="Read a role of a person",
        request=None,
        responses={200: shapes.GrantOutput},
        examples=[OpenApiExample("A role", response_only=True, value=GRANT_EXAMPLE)],
    )
    def get(self, request: Request, user_id: UUID, role: str) -> Response:
        """Read a role of a person: until when it lasts, who gave it, and why."""
        del request
        return Response(shapes.grant_body(find_grant(_subject(user_id), role), now=database_clock.now()))

    @extend_schema(
        operation_id="give_user_role",
        tags=["administration"],
        summary="Give a role to a person",
        request=shapes.GrantInput,
        parameters=[MADE_VERSION],
        responses={200: shapes.GrantChangeOutput},
        examples=[
            OpenApiExample("For a month", request_only=True, value=GIVEN_EXAMPLE),
            OpenApiExample("Given", response_only=True, value={**GRANT_EXAMPLE, "version": 8}),
        ],
    )
    def put(self, request: Request, user_id: UUID, role: str) -> Response:
        """Give a role to a person, or another end to one that they have; without `expires_at` it has none.

        You can give what you have yourself, to others, for as long as you have it. A permission is a role of its name.
        """
        now = database_clock.now()
        body = shapes.GrantInput(data=request.data, context={"now": now})
        body.is_valid(raise_exception=True)
        user = find_user(user_id)
        if not is_open(user):
            sentence = _("This account is closed. Open it before you give it a role.")
            raise DetailsInvalid([FieldProblem("non_field_errors", "invalid", sentence)])
        version = role_grants.grant_role(
            user=user,
            role=role,
            by=request_operator(request),
            reason=body.validated_data["reason"],
            expires_at=body.validated_data.get("expires_at"),
            now=now,
        )
        answer = {**shapes.grant_body(find_grant(_subject(user_id), role), now=now), "version": version}
        return versioned(Response(answer), version)

    @extend_schema(
        operation_id="take_user_role",
        tags=["administration"],
        summary="Take a role from a person",
        request=None,
        parameters=[ReasonInput, MADE_VERSION],
        responses={204: None},
    )
    def delete(self, request: Request, user_id: UUID, role: str) -> Response:
        """Take a role from a person. If it gives permissions, all their sessions end, and they are mailed."""
        query = ReasonInput(data=request.query_params.dict())
        query.is_valid(raise_exception=True)
        version = role_grants.revoke_role(
            user=find_user(user_id),
            role=role,
            by=request_operator(request),
            reason=query.validated_data["reason"],
            now=database_clock.now(),
        )
        return versioned(Response(status=204), version)


def _subject(user_id: UUID) -> str:
    return f"{USER}{find_user(user_id).pk}"


def find_grant(subject: str, role: str) -> Grant:
    """Return a role that somebody was given. Raises: GrantNotFound."""
    for grant in access_selectors.grants_of(subject=subject):
        if grant.role == role:
            return grant
    raise GrantNotFound
