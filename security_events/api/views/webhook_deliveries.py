"""The API of deliveries to webhooks: the log, tests and replays."""

from typing import ClassVar
from uuid import UUID

from django.utils import timezone
from drf_spectacular.utils import OpenApiExample, extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from security_events.api import examples
from security_events.api.serializers import webhooks as shapes
from security_events.api.views.webhooks import WebhookAPIView, actor_of, answer, validated
from security_events.selectors import webhooks as selectors
from security_events.services import webhooks

_ASKING = ["permission_denied", "reauthentication_required", "step_up_required"]
_QUEUED = OpenApiExample("Queued", response_only=True, status_codes=["202"], value=examples.QUEUED_DELIVERY)


class WebhookTestView(WebhookAPIView):
    """A test of a webhook."""

    problem_codes: ClassVar = {"post": [*_ASKING, "already_exists", "validation_error"]}
    field_codes: ClassVar = {"post": ["unknown_field"]}

    @extend_schema(
        operation_id="test_webhook",
        tags=["administration"],
        summary="Send a test to a webhook",
        request=None,
        responses={202: shapes.DeliveryOutput},
        examples=[_QUEUED],
    )
    def post(self, request: Request, webhook_id: UUID) -> Response:
        """Send a message of the type `webhook.test`, also to a disabled webhook.

        The background worker sends it within about a second, once. Read the delivery to see what became of it.
        """
        validated(shapes.EmptyInput, request.data)
        delivery = webhooks.request_test(webhook_id=webhook_id, now=timezone.now())
        return Response(shapes.DeliveryOutput(delivery).data, status=202)


class WebhookDeliveriesView(WebhookAPIView):
    """The log of a webhook."""

    problem_codes: ClassVar = {"get": ["permission_denied", "validation_error"]}
    field_codes: ClassVar = {"get": ["invalid", "unknown_field"]}

    @extend_schema(
        operation_id="list_webhook_deliveries",
        tags=["administration"],
        summary="List the deliveries of a webhook",
        parameters=[shapes.DeliveryPageInput],
        responses={200: shapes.DeliveryListOutput},
        examples=[OpenApiExample("One", response_only=True, value={"results": [examples.DELIVERY], "next": None})],
    )
    def get(self, request: Request, webhook_id: UUID) -> Response:
        """List the deliveries of the last 30 days, at most 10,000, newest first."""
        page = validated(shapes.DeliveryPageInput, request.query_params.dict())
        limit = page["limit"]
        rows = selectors.deliveries_page(
            webhook_id=webhook_id, status=page.get("status"), before=page.get("cursor"), limit=limit
        )
        following = str(rows[limit - 1].pk) if len(rows) > limit else None
        return Response({"results": shapes.DeliveryOutput(rows[:limit], many=True).data, "next": following})


class WebhookDeliveryView(WebhookAPIView):
    """One delivery."""

    problem_codes: ClassVar = {"get": ["permission_denied"]}

    @extend_schema(
        operation_id="read_webhook_delivery",
        tags=["administration"],
        summary="Read a delivery of a webhook",
        responses={200: shapes.DeliveryOutput},
        examples=[OpenApiExample("Delivered", response_only=True, value=examples.DELIVERY)],
    )
    def get(self, request: Request, webhook_id: UUID, delivery_id: UUID) -> Response:
        """Read one delivery. The answer's body is kept nowhere."""
        found = selectors.delivery(webhook_id=webhook_id, delivery_id=delivery_id)
        return Response(shapes.DeliveryOutput(found).data)


class WebhookDeliveryReplayView(WebhookAPIView):
    """A replay of one delivery."""

    problem_codes: ClassVar = {"post": [*_ASKING, "already_exists", "validation_error"]}
    field_codes: ClassVar = {"post": ["unknown_field"]}

    @extend_schema(
        operation_id="replay_webhook_delivery",
        tags=["administration"],
        summary="Send a delivery again",
        request=None,
        responses={202: shapes.DeliveryOutput},
        examples=[_QUEUED],
    )
    def post(self, request: Request, webhook_id: UUID, delivery_id: UUID) -> Response:
        """Send the event of a delivery once more, under the same `webhook-id`, at once and once."""
        validated(shapes.EmptyInput, request.data)
        queued = webhooks.replay_delivery(webhook_id=webhook_id, delivery_id=delivery_id, now=timezone.now())
        return Response(shapes.DeliveryOutput(queued).data, status=202)


class WebhookReplayView(WebhookAPIView):
    """A replay of all events since a time."""

    problem_codes: ClassVar = {"post": _ASKING}
    field_codes: ClassVar = {"post": ["required", "invalid", "unknown_field"]}

    @extend_schema(
        operation_id="replay_webhook",
        tags=["administration"],
        summary="Send all events since a time again",
        request=shapes.ReplayInput,
        responses={202: shapes.WebhookOutput},
        examples=[
            OpenApiExample("Since", request_only=True, value={"since": "2026-01-05T10:00:00Z"}),
            OpenApiExample("The webhook", response_only=True, status_codes=["202"], value=examples.WEBHOOK),
        ],
    )
    def post(self, request: Request, webhook_id: UUID) -> Response:
        """Send all events since a time once more, in their order and under their ids, then go on as before."""
        since = validated(shapes.ReplayInput, request.data)["since"]
        webhooks.replay_since(webhook_id=webhook_id, since=since, actor=actor_of(request), now=timezone.now())
        return answer(selectors.webhook(webhook_id=webhook_id), status=202)
