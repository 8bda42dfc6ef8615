"""The API of webhooks: register and change them, rotate their secrets."""

from datetime import timedelta
from typing import Any, ClassVar
from uuid import UUID

from django.utils import timezone
from django.utils.encoding import force_str
from drf_spectacular.utils import OpenApiExample, OpenApiParameter, extend_schema
from rest_framework.exceptions import ErrorDetail, ValidationError
from rest_framework.request import Request
from rest_framework.response import Response

from cedrina_base.preconditions import versions_from
from security_events.api import examples
from security_events.api.base import SecurityEventsAPIView
from security_events.api.permissions import CHANGE_WEBHOOKS, READ_WEBHOOKS
from security_events.api.serializers import webhooks as shapes
from security_events.api.serializers.webhooks import webhook_body
from security_events.errors import WebhookInvalid
from security_events.models import Webhook
from security_events.selectors import webhooks as selectors
from security_events.services import webhooks
from security_events.types import Subject

ENTITY_TAG = OpenApiParameter(
    "ETag", str, OpenApiParameter.HEADER, response=[200, 201], description="The version, to be sent back in If-Match."
)
IF_MATCH = OpenApiParameter("If-Match", str, OpenApiParameter.HEADER, required=True, description="The ETag read.")
STEP_UP_CODES = ["permission_denied", "reauthentication_required", "step_up_required"]
OF_MEMBERS = ["required", "blank", "invalid", "max_length", "unknown_field"]


class WebhookAPIView(SecurityEventsAPIView):
    """Asks who may read or change webhooks, and answers a member that can't be with 422."""

    actions: ClassVar = {
        "get": READ_WEBHOOKS,
        "post": CHANGE_WEBHOOKS,
        "patch": CHANGE_WEBHOOKS,
        "delete": CHANGE_WEBHOOKS,
    }

    def handle_exception(self, exc: Exception) -> Response:
        if isinstance(exc, WebhookInvalid):
            exc = ValidationError({exc.member: [ErrorDetail(force_str(exc.sentence), code=exc.member_code)]})
        return super().handle_exception(exc)


class WebhooksView(WebhookAPIView):
    """All webhooks."""

    problem_codes: ClassVar = {
        "get": ["permission_denied", "validation_error"],
        "post": [*STEP_UP_CODES, "already_exists"],
    }
    field_codes: ClassVar = {"get": ["invalid", "unknown_field"], "post": OF_MEMBERS}

    @extend_schema(
        operation_id="list_webhooks",
        tags=["administration"],
        summary="List webhooks",
        parameters=[shapes.WebhookPageInput],
        responses={200: shapes.WebhookListOutput},
        examples=[OpenApiExample("One", response_only=True, value={"results": [examples.WEBHOOK], "next": None})],
    )
    def get(self, request: Request) -> Response:
        """List the webhooks, the oldest first."""
        page = validated(shapes.WebhookPageInput, request.query_params.dict())
        limit = page["limit"]
        rows = selectors.webhooks_page(after=page.get("cursor"), limit=limit)
        following = str(rows[limit - 1].pk) if len(rows) > limit else None
        return Response({"results": [webhook_body(row) for row in rows[:limit]], "next": following})

    @extend_schema(
        operation_id="create_webhook",
        tags=["administration"],
        summary="Register a webhook",
        request=shapes.WebhookInput,
        parameters=[ENTITY_TAG],
        responses={201: shapes.WebhookOutput},
        examples=[
            OpenApiExample("Sign-ins only", request_only=True, value=examples.NEW_WEBHOOK),
            OpenApiExample(
                "Registered", response_only=True, value={**examples.WEBHOOK, "secret": examples.WEBHOOK_SECRET}
            ),
        ],
    )
    def post(self, request: Request) -> Response:
        """Register a webhook: a URL that events are posted to, by Standard Webhooks 1.0.0.

        It gets the events from now on, in the order of the trail. The secret is in this answer, and is shown never
        again.
        """
        members = validated(shapes.WebhookInput, request.data)
        is_enabled = members.pop("is_enabled", True)
        made = webhooks.create(members=members, is_enabled=is_enabled, actor=actor_of(request), now=timezone.now())
        return answer(made.webhook, secret=made.secret, status=201)


class WebhookView(WebhookAPIView):
    """One webhook."""

    _changing: ClassVar = [*STEP_UP_CODES, "precondition_required", "version_mismatch"]
    problem_codes: ClassVar = {"get": ["permission_denied"], "patch": _changing, "delete": _changing}
    field_codes: ClassVar = {"patch": OF_MEMBERS}

    @extend_schema(
        operation_id="read_webhook",
        tags=["administration"],
        summary="Read a webhook",
        parameters=[ENTITY_TAG],
        responses={200: shapes.WebhookOutput},
        examples=[OpenApiExample("A webhook", response_only=True, value=examples.WEBHOOK)],
    )
    def get(self, request: Request, webhook_id: UUID) -> Response:
        """Read a webhook and how its delivery goes, without its secrets."""
        return answer(selectors.webhook(webhook_id=webhook_id))

    @extend_schema(
        operation_id="change_webhook",
        tags=["administration"],
        summary="Change a webhook",
        request=shapes.WebhookChangeInput,
        parameters=[ENTITY_TAG, IF_MATCH],
        responses={200: shapes.WebhookOutput},
        examples=[
            OpenApiExample("Stop it", request_only=True, value={"is_enabled": False}),
            OpenApiExample(
                "Stopped", response_only=True, value={**examples.WEBHOOK, "is_enabled": False, "state": "disabled"}
            ),
        ],
    )
    def patch(self, request: Request, webhook_id: UUID) -> Response:
        """Change members of a webhook that nobody changed meanwhile.

        With `is_enabled: true` it is tried at once, and goes on behind the last event that it took.
        """
        versions = versions_from(request.headers.get("If-Match"))
        members = validated(shapes.WebhookChangeInput, request.data)
        is_enabled = members.pop("is_enabled", None)
        webhooks.change(
            webhook_id=webhook_id,
            members=members,
            is_enabled=is_enabled,
            versions=versions,
            actor=actor_of(request),
            now=timezone.now(),
        )
        return answer(selectors.webhook(webhook_id=webhook_id))

    @extend_schema(
        operation_id="delete_webhook",
        tags=["administration"],
        summary="Delete a webhook",
        request=None,
        parameters=[IF_MATCH],
        responses={204: None},
    )
    def delete(self, request: Request, webhook_id: UUID) -> Response:
        """Delete a webhook with its secrets and its log."""
        versions = versions_from(request.headers.get("If-Match"))
        webhooks.delete(webhook_id=webhook_id, versions=versions, actor=actor_of(request), now=timezone.now())
        return Response(status=204)


class WebhookSecretView(WebhookAPIView):
    """The secret of a webhook."""

    problem_codes: ClassVar = {"post": STEP_UP_CODES}
    field_codes: ClassVar = {"post": ["invalid", "unknown_field"]}

    @extend_schema(
        operation_id="rotate_webhook_secret",
        tags=["administration"],
        summary="Give a webhook a new secret",
        request=shapes.SecretOverlapInput,
        parameters=[ENTITY_TAG],
        responses={200: shapes.WebhookOutput},
        examples=[
            OpenApiExample("In a day", request_only=True, value={"overlap_seconds": 86400}),
            OpenApiExample(
                "Rotated", response_only=True, value={**examples.WEBHOOK, "secret": examples.WEBHOOK_SECRET}
            ),
        ],
    )
    def post(self, request: Request, webhook_id: UUID) -> Response:
        """Give a webhook a new secret and a new key pair. The secret is shown once.

        For `overlap_seconds` messages are signed with those before, too, so that you can replace them calmly. Send 0
        after a leak.
        """
        given = validated(shapes.SecretOverlapInput, request.data)
        overlap = timedelta(seconds=min(given["overlap_seconds"], 10**9))
        made = webhooks.rotate_secret(
            webhook_id=webhook_id, overlap=overlap, actor=actor_of(request), now=timezone.now()
        )
        return answer(selectors.webhook(webhook_id=webhook_id), secret=made.secret)


def validated(shape: Any, data: Any) -> dict[str, Any]:
    """Return the validated members of a body or of a query.

    Raises: ValidationError.
    """
    body = shape(data=data)
    body.is_valid(raise_exception=True)
    return dict(body.validated_data)


def actor_of(request: Request) -> Subject:
    """Return who asks."""
    return Subject(str(request.user.pk), request.user.get_username())


def answer(webhook: Webhook, *, secret: str | None = None, status: int = 200) -> Response:
    """Return a webhook with its version as the ETag."""
    headers = {"ETag": f'"{webhook.version}"', "Cache-Control": "no-store"}
    return Response(webhook_body(webhook, secret=secret), status=status, headers=headers)
