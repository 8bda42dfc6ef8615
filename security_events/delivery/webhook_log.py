"""The log of deliveries to webhooks: one line a message, of a bounded number."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from django.db import IntegrityError

from cedrina_base.batch_deletion import delete_in_batches
from cedrina_base.prepared_statements import prepared_cursor
from cedrina_base.uuids import uuid7
from security_events.delivery.webhook_requests import Attempt
from security_events.models import DeliveryCause, DeliveryStatus, WebhookDelivery

KEPT = 10_000  # of each webhook
KEPT_FOR = timedelta(days=30)

_STORE = """
INSERT INTO security_events_webhookdelivery AS stored (
    id, webhook_id, cause, message_id, type, status, attempts, response_status, error, duration_ms, created_at,
    attempted_at
)
SELECT id, %(webhook)s, %(cause)s, message_id, type, status, 1, response_status, error, duration_ms, attempted_at,
    attempted_at
FROM unnest(
    %(ids)s::uuid[], %(messages)s::uuid[], %(types)s::text[], %(statuses)s::text[], %(codes)s::int[],
    %(errors)s::text[], %(durations)s::int[], %(times)s::timestamptz[]
) AS attempt (id, message_id, type, status, response_status, error, duration_ms, attempted_at)
ON CONFLICT (webhook_id, message_id) WHERE cause = 'event' DO UPDATE
SET attempts = stored.attempts + 1, status = excluded.status, response_status = excluded.response_status,
    error = excluded.error, duration_ms = excluded.duration_ms, attempted_at = excluded.attempted_at
"""
_TRIM = """
DELETE FROM security_events_webhookdelivery WHERE webhook_id = %(webhook)s AND status <> 'queued' AND id < (
    SELECT id FROM security_events_webhookdelivery WHERE webhook_id = %(webhook)s
    ORDER BY id DESC OFFSET %(kept)s LIMIT 1
)
"""


def store(webhook_id: UUID, attempts: Sequence[Attempt]) -> None:
    """Log attempts to deliver events, and delete the oldest lines of the webhook beyond ``KEPT``.

    An event that was tried before keeps its line. Nothing is stored for a webhook that was deleted meanwhile.
    """
    if not attempts:
        return
    parameters: dict[str, Any] = {
        "webhook": webhook_id,
        "cause": DeliveryCause.EVENT,
        "ids": [uuid7() for _ in attempts],
        "messages": [attempt.message_id for attempt in attempts],
        "types": [attempt.message_type for attempt in attempts],
        "statuses": [
            str(DeliveryStatus.DELIVERED if each.is_delivered else DeliveryStatus.FAILING) for each in attempts
        ],
        "codes": [attempt.response_status for attempt in attempts],
        "errors": [attempt.error for attempt in attempts],
        "durations": [attempt.duration_ms for attempt in attempts],
        "times": [attempt.attempted_at for attempt in attempts],
    }
    try:
        with prepared_cursor() as cursor:
            cursor.execute(_STORE, parameters)
            cursor.execute(_TRIM, {"webhook": webhook_id, "kept": KEPT})
    except IntegrityError:
        return


def store_requested(delivery_id: UUID, attempt: Attempt) -> None:
    """Store what became of a replay or a test: these are tried once."""
    WebhookDelivery.objects.filter(pk=delivery_id).update(
        status=DeliveryStatus.DELIVERED if attempt.is_delivered else DeliveryStatus.FAILED,
        attempts=1,
        response_status=attempt.response_status,
        error=attempt.error,
        duration_ms=attempt.duration_ms,
        attempted_at=attempt.attempted_at,
    )


def purge(*, now: datetime) -> int:
    """Delete lines that are older than ``KEPT_FOR``; return how many."""
    rows = WebhookDelivery.objects.filter(created_at__lt=now - KEPT_FOR)
    return delete_in_batches(rows)
