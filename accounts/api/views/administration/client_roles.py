"""``/admin/service-clients/{id}/roles``: read the roles of a service client, give and take them."""

from collections.abc import Collection
from typing import ClassVar
from uuid import UUID

from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.access.api.base import versioned
from accounts.access.api.described import MADE_VERSION
from accounts.api.base import request_operator
from accounts.api.serializers.administration import user_roles as shapes
from accounts.api.serializers.administration.users import ReasonInput
from accounts.api.views.administration import given_roles
from accounts.api.views.administration.given_roles import FIELD_CODES, GivenRolesAPIView
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


class ClientRolesView(GivenRolesAPIView):
    """All roles of a service client."""

    read_permission = "service_clients:read"
    problem_codes: ClassVar[dict[str, list[str]]] = {"get": ["permission_denied"]}

    @extend_schema(
        operation_id="list_service_client_roles",
        tags=["administration"],
        summary="List the roles of a service client",
        request=None,
        parameters=[ENTITY_TAG],
        responses={200: shapes.GrantListOutput},
        examples=given_roles.LIST_EXAMPLES,
    )
    def get(self, request: Request, client_id: UUID) -> Response:
        """List the roles that a service client was given, by name; those that have ended, too."""
        del request
        client = selectors.service_client(client_id=client_id)
        return given_roles.grants_answer(f"{CLIENT}{client.pk}", now=database_clock.now(), etag=client.version)


class ClientRoleView(GivenRolesAPIView):
    """One role of a service client."""

    read_permission = "service_clients:read"
    step_up: ClassVar = {"put": OPERATOR_STEP_UP, "delete": OPERATOR_STEP_UP}
    _changing: ClassVar = ["permission_denied", "version_mismatch", *STEP_UP_CODES]
    problem_codes: ClassVar[dict[str, list[str]]] = {
        "get": ["permission_denied"],
        "put": [*_changing, "separation_of_duty"],
        "delete": [*_changing, "validation_error"],
    }
    field_codes: ClassVar[dict[str, list[str]]] = {"put": FIELD_CODES, "delete": FIELD_CODES}

    @extend_schema(
        operation_id="read_service_client_role",
        tags=["administration"],
        summary="Read a role of a service client",
        request=None,
        responses={200: shapes.GrantOutput},
        examples=given_roles.READ_EXAMPLES,
    )
    def get(self, request: Request, client_id: UUID, role: str) -> Response:
        """Read a role of a service client: until when it lasts, who gave it, and why."""
        del request
        client = selectors.service_client(client_id=client_id)
        grant = given_roles.find_grant(f"{CLIENT}{client.pk}", role)
        return Response(shapes.grant_body(grant, now=database_clock.now()))

    @extend_schema(
        operation_id="give_service_client_role",
        tags=["administration"],
        summary="Give a role to a service client",
        request=shapes.GrantInput,
        parameters=[_IF_MATCH, ENTITY_TAG, MADE_VERSION],
        responses={200: shapes.GrantChangeOutput},
        examples=given_roles.GIVE_EXAMPLES,
    )
    def put(self, request: Request, client_id: UUID, role: str) -> Response:
        """Give a role to a service client, or another end to one that it has; without `expires_at` it has none.

        You can give what you have yourself, for as long as you have it. Permissions of this API stay bounded by the
        scopes of each token, whatever the role allows.
        """
        versions, now = _versions(request), database_clock.now()
        gift = given_roles.gift_of(request, now=now)
        version = client_roles.grant_role(
            client_id=client_id, role=role, by=request_operator(request), versions=versions, now=now, **gift
        )
        client = selectors.service_client(client_id=client_id)
        subject = f"{CLIENT}{client.pk}"
        return given_roles.given_answer(subject, role, version=version, now=now, etag=client.version)

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
        version = client_roles.revoke_role(
            client_id=client_id,
            role=role,
            by=request_operator(request),
            reason=given_roles.reason_of(request),
            versions=_versions(request),
            now=database_clock.now(),
        )
        return versioned(Response(status=204), version)


def _versions(request: Request) -> Collection[int] | None:
    """Return the versions that the caller has read; ``None`` if it names none."""
    if_match = request.headers.get("If-Match")
    return None if if_match is None else versions_from(if_match)
