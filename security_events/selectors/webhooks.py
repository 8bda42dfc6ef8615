"""Reads of webhooks and their deliveries."""

from collections.abc import Sequence
from uuid import UUID

from django.db.models import QuerySet

from security_events.errors import WebhookNotFound
from security_events.models import Webhook, WebhookDelivery

_LAST_ID = UUID(int=2**128 - 1)


def webhooks_page(*, after: UUID | None = None, limit: int) -> Sequence[Webhook]:
    """Return the next webhooks behind one, the oldest first, and one more than ``limit`` if there are more."""
    rows = _webhooks().order_by("pk")
    return list((rows.filter(pk__gt=after) if after else rows)[: limit + 1])


def webhook(*, webhook_id: UUID) -> Webhook:
    """Return a webhook with its sink and its secrets.

    Raises: WebhookNotFound.
    """
    found = _webhooks().filter(pk=webhook_id).first()
    if found is None:
        raise WebhookNotFound
    return found


def deliveries_page(
    *, webhook_id: UUID, status: str | None = None, before: UUID | None = None, limit: int
) -> Sequence[WebhookDelivery]:
    """Return the latest lines of a webhook's log, newest first, and one more than ``limit`` if there are more.

    Raises: WebhookNotFound.
    """
    if not Webhook.objects.filter(pk=webhook_id).exists():
        raise WebhookNotFound
    rows = WebhookDelivery.objects.filter(webhook_id=webhook_id, pk__lt=before or _LAST_ID)
    if status is not None:
        rows = rows.filter(status=status)
    return list(rows.order_by("-pk")[: limit + 1])


def delivery(*, webhook_id: UUID, delivery_id: UUID) -> WebhookDelivery:
    """Return one line of a webhook's log.

    Raises: WebhookNotFound.
    """
    found = WebhookDelivery.objects.filter(webhook_id=webhook_id, pk=delivery_id).first()
    if found is None:
        raise WebhookNotFound
    return found


def _webhooks() -> QuerySet[Webhook]:
    return Webhook.objects.select_related("sink").prefetch_related("secrets")
