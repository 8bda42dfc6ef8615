"""The API by which operators register service clients."""

from datetime import timedelta
from typing import Any, ClassVar
from uuid import UUID

from django.utils.encoding import force_str
from drf_spectacular.utils import OpenApiExample, OpenApiParameter, extend_schema
from rest_framework.exceptions import ErrorDetail, ValidationError
from rest_framework.request import Request
from rest_framework.response import Response

from cedrina_base import database_clock
from cedrina_base.preconditions import versions_from
from tokens import selectors
from tokens.api import examples
from tokens.api.base import TokensAPIView
from tokens.api.permissions import HasAnyAccessToken
from tokens.api.response_bodies import service_client_body
from tokens.api.serializers import service_clients as shapes
from tokens.api.serializers.sessions import PageInput
from tokens.api.step_up import RequiredFactor, requires
from tokens.conf import token_settings
from tokens.errors import ServiceClientInvalid
from tokens.models import ServiceClient
from tokens.services import service_clients
from tokens.services.service_clients import operator_of

READ, CHANGE = "service_clients:read", "service_clients:change"
ENTITY_TAG = OpenApiParameter(
    "ETag", str, OpenApiParameter.HEADER, response=[200, 201], description="The version, to be sent back in If-Match."
)
IF_MATCH = OpenApiParameter("If-Match", str, OpenApiParameter.HEADER, required=True, description="The ETag read.")
_STEP_UP = requires(factor=RequiredFactor.SECOND)
_STEP_UP_CODES = ["permission_denied", "reauthentication_required", "step_up_required"]
_OF_MEMBERS = ["required", "blank", "invalid", "max_length", "unknown_field"]


class ServiceClientAPIView(TokensAPIView):
    """Asks the project's permissions, and answers a member that can't be with 422."""

    def get_permissions(self) -> list[Any]:
        action = READ if self.request.method == "GET" else CHANGE
        return [HasAnyAccessToken(), *token_settings.API_PERMISSIONS(action)]

    def handle_exception(self, exc: Exception) -> Response:
        if isinstance(exc, ServiceClientInvalid):
            exc = ValidationError({exc.member: [ErrorDetail(force_str(exc.sentence), code=exc.member_code)]})
        return super().handle_exception(exc)


class ServiceClientsView(ServiceClientAPIView):
    """All service clients."""

    step_up: ClassVar = {"post": _STEP_UP}
    problem_codes: ClassVar = {
        "get": ["permission_denied", "validation_error"],
        "post": [*_STEP_UP_CODES, "already_exists"],
    }
    field_codes: ClassVar = {"get": ["invalid", "unknown_field"], "post": _OF_MEMBERS}

    @extend_schema(
        operation_id="list_service_clients",
        tags=["administration"],
        parameters=[PageInput],
        responses={200: shapes.ServiceClientListOutput},
        examples=[
            OpenApiExample("One", response_only=True, value={"results": [examples.SERVICE_CLIENT], "next": None})
        ],
    )
    def get(self, request: Request) -> Response:
        """List the service clients, the oldest first."""
        page = PageInput(data=request.query_params.dict())
        page.is_valid(raise_exception=True)
        limit = page.validated_data["limit"]
        rows = selectors.service_clients_page(after=page.validated_data.get("cursor"), limit=limit)
        following = str(rows[limit - 1].pk) if len(rows) > limit else None
        return Response({"results": [service_client_body(row) for row in rows[:limit]], "next": following})

    @extend_schema(
        operation_id="register_service_client",
        tags=["administration"],
        request=shapes.ServiceClientInput,
        parameters=[ENTITY_TAG],
        responses={201: shapes.ServiceClientOutput},
        examples=[
            OpenApiExample("A resource server", request_only=True, value=examples.NEW_SERVICE_CLIENT),
            OpenApiExample(
                "Registered",
                response_only=True,
                value={**examples.SERVICE_CLIENT, "client_secret": examples.CLIENT_SECRET},
            ),
        ],
    )
    def post(self, request: Request) -> Response:
        """Register a service client. Its secret is in this answer, and is shown never again."""
        members = _validated(shapes.ServiceClientInput, request.data)
        reason = members.pop("reason")
        made = service_clients.register(
            members=members, operator=operator_of(request.user, reason=reason), now=database_clock.now()
        )
        return _answer(made.client, secret=made.secret, status=201)


class ServiceClientView(ServiceClientAPIView):
    """One service client."""

    step_up: ClassVar = {"patch": _STEP_UP, "delete": _STEP_UP}
    _changing: ClassVar = [*_STEP_UP_CODES, "precondition_required", "version_mismatch"]
    problem_codes: ClassVar = {
        "get": ["permission_denied"],
        "patch": [*_changing, "already_exists"],
        "delete": [*_changing, "validation_error"],
    }
    field_codes: ClassVar = {"patch": _OF_MEMBERS, "delete": _OF_MEMBERS}

    @extend_schema(
        operation_id="read_service_client",
        tags=["administration"],
        parameters=[ENTITY_TAG],
        responses={200: shapes.ServiceClientOutput},
        examples=[OpenApiExample("A resource server", response_only=True, value=examples.SERVICE_CLIENT)],
    )
    def get(self, request: Request, client_id: UUID) -> Response:
        """Read a service client, without its secrets."""
        return _answer(selectors.service_client(client_id=client_id))

    @extend_schema(
        operation_id="change_service_client",
        tags=["administration"],
        request=shapes.ServiceClientChangeInput,
        parameters=[ENTITY_TAG, IF_MATCH],
        responses={200: shapes.ServiceClientOutput},
        examples=[
            OpenApiExample("Stop it", request_only=True, value={"is_enabled": False, "reason": "its host was stolen"}),
            OpenApiExample("Stopped", response_only=True, value={**examples.SERVICE_CLIENT, "is_enabled": False}),
        ],
    )
    def patch(self, request: Request, client_id: UUID) -> Response:
        """Change a service client that nobody changed meanwhile.

        `is_enabled: false` refuses the client and its access tokens at once, and so does a change of its keys with
        tokens that it got before. A client that changes to `client_secret` gets a secret in this answer.
        """
        versions = versions_from(request.headers.get("If-Match"))
        members = _validated(shapes.ServiceClientChangeInput, request.data)
        operator = operator_of(request.user, reason=members.pop("reason"))
        is_enabled = members.pop("is_enabled", None)
        changed = service_clients.change(
            client_id=client_id,
            members=members,
            is_enabled=is_enabled,
            versions=versions,
            operator=operator,
            now=database_clock.now(),
        )
        return _answer(changed.client, secret=changed.secret)

    @extend_schema(
        operation_id="delete_service_client",
        tags=["administration"],
        request=None,
        parameters=[IF_MATCH, shapes.ServiceClientReasonInput],
        responses={204: None},
    )
    def delete(self, request: Request, client_id: UUID) -> Response:
        """Delete a service client. Its secrets and access tokens are refused at once."""
        versions = versions_from(request.headers.get("If-Match"))
        given = _validated(shapes.ServiceClientReasonInput, request.query_params.dict())
        service_clients.delete(
            client_id=client_id,
            versions=versions,
            operator=operator_of(request.user, reason=given["reason"]),
            now=database_clock.now(),
        )
        return Response(status=204)


class ServiceClientSecretView(ServiceClientAPIView):
    """The secret of a service client."""

    step_up: ClassVar = {"post": _STEP_UP}
    problem_codes: ClassVar = {"post": _STEP_UP_CODES}
    field_codes: ClassVar = {"post": _OF_MEMBERS}

    @extend_schema(
        operation_id="rotate_service_client_secret",
        tags=["administration"],
        request=shapes.SecretRotationInput,
        parameters=[ENTITY_TAG],
        responses={200: shapes.ServiceClientOutput},
        examples=[
            OpenApiExample("In a day", request_only=True, value={"overlap_seconds": 86400, "reason": "yearly"}),
            OpenApiExample(
                "Rotated",
                response_only=True,
                value={**examples.SERVICE_CLIENT, "client_secret": examples.CLIENT_SECRET},
            ),
        ],
    )
    def post(self, request: Request, client_id: UUID) -> Response:
        """Give a service client a new secret, which is shown once.

        The secret before is accepted for `overlap_seconds` more, so that you can replace it everywhere first.
        """
        given = _validated(shapes.SecretRotationInput, request.data)
        rotated = service_clients.rotate_secret(
            client_id=client_id,
            overlap=timedelta(seconds=given["overlap_seconds"]),
            operator=operator_of(request.user, reason=given["reason"]),
            now=database_clock.now(),
        )
        return _answer(rotated.client, secret=rotated.secret)


def _validated(shape: Any, data: Any) -> dict[str, Any]:
    body = shape(data=data)
    body.is_valid(raise_exception=True)
    return dict(body.validated_data)


def _answer(client: ServiceClient, *, secret: str | None = None, status: int = 200) -> Response:
    body = service_client_body(client)
    if secret is not None:
        body["client_secret"] = secret
    return Response(body, status=status, headers={"ETag": f'"{client.version}"', "Cache-Control": "no-store"})
