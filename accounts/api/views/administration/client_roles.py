"""``/admin/service-clients/{id}/roles``: read the roles of a service client, give and take them."""

from collections.abc import Collection
from typing import Any, ClassVar
from uuid import UUID

from drf_spectacular.utils import OpenApiExample, OpenApiParameter, extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.access import selectors as access_selectors
from accounts.access.api.base import versioned
from accounts.access.api.described import MADE_VERSION
from accounts.access.permission_types import GRANT_ROLES
from accounts.api.base import AccountsAPIView, request_operator
from accounts.api.permissions import action_permission
from accounts.api.serializers.administration import user_roles as shapes
from accounts.api.serializers.administration.users import ReasonInput
from accounts.api.views.administration.user_roles import GIVEN_EXAMPLE, GRANT_EXAMPLE, find_grant
from accounts.api.views.administration.users import ENTITY_TAG, OPERATOR_STEP_UP, STEP_UP_CODES
from accounts.rules.subject_facts import CLIENT
from accounts.services.administration import client_roles
from cedrina_base import database_clock
from cedrina_base.preconditions import versions_from
from tokens import selectors

_IF_MATCH = OpenApiParameter(
    "If-Match",
    str,
    OpenApiParameter.HEADER,
    description="The ETag of the client; left out: whatever changed meanwhile.",
)
_FIELD_CODES = ["required", "invalid", "blank", "max_length", "unknown_field"]


class ClientRolesAPIView(AccountsAPIView):
    """Reading needs the permission to read service clients, changing the one to give roles."""

    def get_permissions(self) -> list[Any]:
        action = "service_clients:read" if self.request.method == "GET" else GRANT_ROLES.name
        return [*super().get_permissions(), action_permission(action)()]


class ClientRolesView(ClientRolesAPIView):
    """All roles of a service client."""

    problem_codes: ClassVar[dict[str, list[str]]] = {"get": ["permission_denied"]}

    @extend_schema(
        operation_id="list_service_client_roles",
        tags=["administration"],
        summary="List the roles of a service client",
        request=None,
        parameters=[ENTITY_TAG],
        responses={200: shapes.GrantListOutput},
        examples=[OpenApiExample("One", response_only=True, value={"results": [GRANT_EXAMPLE], "version": 7})],
    )
    def get(self, request: Request, client_id: UUID) -> Response:
        """List the roles that a service client was given, by name; those that have ended, too."""
        del request
        client, now = selectors.service_client(client_id=client_id), database_clock.now()
        version = access_selectors.head().version
        grants = access_selectors.grants_of(subject=f"{CLIENT}{client.pk}")
        body = {"results": [shapes.grant_body(grant, now=now) for grant in grants], "version": version}
        return versioned(Response(body), version, etag=client.version)


class ClientRoleView(ClientRolesAPIView):
    """One role of a service client."""

    step_up: ClassVar = {"put": OPERATOR_STEP_UP, "delete": OPERATOR_STEP_UP}
    _changing: ClassVar = ["permission_denied", "version_mismatch", *STEP_UP_CODES]
    problem_codes: ClassVar[dict[str, list[str]]] = {
        "get": ["permission_denied"],
        "put": [*_changing, "separation_of_duty"],
        "delete": [*_changing, "validation_error"],
    }
    field_codes: ClassVar[dict[str, list[str]]] = {"put": _FIELD_CODES, "delete": _FIELD_CODES}

    @extend_schema(
        operation_id="read_service_client_role",
        tags=["administration"],
        summary="Read a role of a service client",
        request=None,
        responses={200: shapes.GrantOutput},
        examples=[OpenApiExample("A role", response_only=True, value=GRANT_EXAMPLE)],
    )
    def get(self, request: Request, client_id: UUID, role: str) -> Response:
        """Read a role of a service client: until when it lasts, who gave it, and why."""
        del request
        client = selectors.service_client(client_id=client_id)
        return Response(shapes.grant_body(find_grant(f"{CLIENT}{client.pk}", role), now=database_clock.now()))

    @extend_schema(
        operation_id="give_service_client_role",
        tags=["administration"],
        summary="Give a role to a service client",
        request=shapes.GrantInput,
        parameters=[_IF_MATCH, ENTITY_TAG, MADE_VERSION],
        responses={200: shapes.GrantChangeOutput},
        examples=[
            OpenApiExample("For a month", request_only=True, value=GIVEN_EXAMPLE),
            OpenApiExample("Given", response_only=True, value={**GRANT_EXAMPLE, "version": 8}),
        ],
    )
    def put(self, request: Request, client_id: UUID, role: str) -> Response:
        """Give a role to a service client, or another end to one that it has; without `expires_at` it has none.

        You can give what you have yourself, for as long as you have it. Permissions of this API stay bounded by the
        scopes of each token, whatever the role allows.
        """
        versions, now = _versions(request), database_clock.now()
        body = shapes.GrantInput(data=request.data, context={"now": now})
        body.is_valid(raise_exception=True)
        version = client_roles.grant_role(
            client_id=client_id,
            role=role,
            by=request_operator(request),
            reason=body.validated_data["reason"],
            expires_at=body.validated_data.get("expires_at"),
            versions=versions,
            now=now,
        )
        client = selectors.service_client(client_id=client_id)
        given = shapes.grant_body(find_grant(f"{CLIENT}{client.pk}", role), now=now)
        return versioned(Response({**given, "version": version}), version, etag=client.version)

    @extend_schema(
        operation_id="take_service_client_role",
        tags=["administration"],
        summary="Take a role from a service client",
        request=None,
        parameters=[_IF_MATCH, ReasonInput, MADE_VERSION],
        responses={204: None},
    )
    def delete(self, request: Request, client_id: UUID, role: str) -> Response:
        """Take a role from a service client. Its tokens lose it with the next request."""
        query = ReasonInput(data=request.query_params.dict())
        query.is_valid(raise_exception=True)
        version = client_roles.revoke_role(
            client_id=client_id,
            role=role,
            by=request_operator(request),
            reason=query.validated_data["reason"],
            versions=_versions(request),
            now=database_clock.now(),
        )
        return versioned(Response(status=204), version)


def _versions(request: Request) -> Collection[int] | None:
    """Return the versions that the caller has read; ``None`` if it names none."""
    if_match = request.headers.get("If-Match")
    return None if if_match is None else versions_from(if_match)
