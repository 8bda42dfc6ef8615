"""Register, change and delete webhooks, rotate their secrets, and ask for tests and replays.

Each change records an event. Events and logs name the host of a webhook only: its URL may hold a secret.
"""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any, NamedTuple
from uuid import UUID

from django.db import connection, transaction
from django.db.models import F

from cedrina_base.uuids import uuid7
from security_events import event_types
from security_events.catalogue import EventType
from security_events.conf import security_event_settings
from security_events.errors import (
    DeliveryQueueFull,
    EncryptionKeyMissing,
    WebhookChanged,
    WebhookLimitReached,
    WebhookNotFound,
)
from security_events.models import (
    DeliveryCause,
    DeliveryStatus,
    Sink,
    SinkState,
    Webhook,
    WebhookDelivery,
    WebhookSecret,
)
from security_events.selectors.trail import end_of_trail, position_before
from security_events.services import recording
from security_events.types import Subject
from security_events.webhooks import signatures
from security_events.webhooks.members import host_of, validate_overlap, validated_members
from security_events.webhooks.messages import TEST_TYPE

KIND = "webhook"
MOST_WEBHOOKS = 50
MOST_FORMER_SECRETS = 4
MOST_QUEUED = 100  # replays and tests of one webhook
_REGISTRATION_LOCK = 1589641218  # counting and adding are one decision


class RegisteredWebhook(NamedTuple):
    """A webhook, and its new secret, which is shown now and never again; ``None`` if nothing was made."""

    webhook: Webhook
    secret: str | None = None


def create(*, members: Mapping[str, Any], is_enabled: bool = True, actor: Subject, now: datetime) -> RegisteredWebhook:
    """Store a webhook. It gets the events that are committed from now on.

    Raises: WebhookInvalid, WebhookLimitReached, EncryptionKeyMissing.
    """
    if not security_event_settings.FIELD_ENCRYPTION_KEYS:
        raise EncryptionKeyMissing
    values = validated_members(members)
    with transaction.atomic():
        _require_room()
        position, sink_id = end_of_trail(), uuid7()
        sink = Sink.objects.create(
            id=sink_id,
            kind=KIND,
            name=_name(values["url"], sink_id),
            is_enabled=is_enabled,
            transaction_id=position.transaction_id,
            event_id=position.event_id,
            created_at=now,
        )
        webhook = Webhook.objects.create(sink=sink, **values, created_by=actor.id, updated_at=now)
        secret = _add_secret(webhook, now=now)
        _record(event_types.WEBHOOK_CREATED, webhook, actor, {"types": values["types"]}, now=now)
    return RegisteredWebhook(webhook, secret)


def change(
    *,
    webhook_id: UUID,
    members: Mapping[str, Any],
    is_enabled: bool | None = None,
    versions: frozenset[int] | None = None,
    actor: Subject,
    now: datetime,
) -> Webhook:
    """Change members of a webhook; those left out stay. ``versions`` are those that the operator has read.

    A webhook that is enabled again goes on where it stopped: nothing is left out. Its failures are forgotten, so that
    it is tried at once. A new URL keeps the secret.

    Raises: WebhookNotFound, WebhookChanged, WebhookInvalid.
    """
    with transaction.atomic():
        webhook = _lock(webhook_id, versions)
        sink, before = webhook.sink, {name: getattr(webhook, name) for name in ("url", "types", "format")}
        values = validated_members({**before, **members}) if members else before
        changed = sorted(name for name in values if values[name] != before[name])
        is_switched = is_enabled not in (None, sink.is_enabled)
        if not changed and not is_switched:
            return webhook
        for name in changed:
            setattr(webhook, name, values[name])
        webhook.version += 1
        webhook.updated_at = now
        webhook.save(update_fields=[*changed, "version", "updated_at"])
        of_sink: dict[str, Any] = {"name": _name(webhook.url, sink.pk)} if "url" in changed else {}
        if is_switched:
            of_sink["is_enabled"] = bool(is_enabled)
        if is_enabled or "url" in changed:
            of_sink |= _AS_NEW
        if of_sink:
            Sink.objects.filter(pk=sink.pk).update(**of_sink)
        sink.refresh_from_db()
        data = {"changed": [*changed, *(["is_enabled"] if is_switched else [])], "is_enabled": sink.is_enabled}
        _record(event_types.WEBHOOK_CHANGED, webhook, actor, data, now=now)
    return webhook


_AS_NEW = {"state": SinkState.ACTIVE, "attempts": 0, "failing_since": None, "next_attempt_at": None, "last_error": ""}


def delete(*, webhook_id: UUID, versions: frozenset[int] | None = None, actor: Subject, now: datetime) -> None:
    """Delete a webhook with its secrets and its log.

    Raises: WebhookNotFound, WebhookChanged.
    """
    with transaction.atomic():
        webhook = _lock(webhook_id, versions)
        _record(event_types.WEBHOOK_DELETED, webhook, actor, {}, now=now)
        webhook.sink.delete()


def rotate_secret(*, webhook_id: UUID, overlap: timedelta, actor: Subject, now: datetime) -> RegisteredWebhook:
    """Give a webhook a new secret and a new key. Messages are signed with the last one for ``overlap`` more.

    Without overlap, as after a leak, all those before end at once.

    Raises: WebhookNotFound, WebhookInvalid.
    """
    validate_overlap(overlap)
    with transaction.atomic():
        webhook = _lock(webhook_id)
        webhook.secrets.filter(expires_at=None).update(expires_at=now + overlap)
        former = webhook.secrets.filter(expires_at__gt=now).order_by("-pk").values_list("pk", flat=True)
        webhook.secrets.exclude(pk__in=list(former[:MOST_FORMER_SECRETS]) if overlap else []).delete()
        webhook.version += 1
        webhook.updated_at = now
        webhook.save(update_fields=["version", "updated_at"])
        secret = _add_secret(webhook, now=now)
        data = {"overlap_seconds": int(overlap.total_seconds())}
        _record(event_types.WEBHOOK_SECRET_ROTATED, webhook, actor, data, now=now)
    return RegisteredWebhook(webhook, secret)


def request_test(*, webhook_id: UUID, now: datetime) -> WebhookDelivery:
    """Queue a test message, also for a disabled webhook. The process that delivers sends it within about a second.

    Raises: WebhookNotFound, DeliveryQueueFull.
    """
    with transaction.atomic():
        return _queue(_lock(webhook_id), DeliveryCause.TEST, message_id=uuid7(), message_type=TEST_TYPE, now=now)


def replay_delivery(*, webhook_id: UUID, delivery_id: UUID, now: datetime) -> WebhookDelivery:
    """Queue the event of a delivery to be sent once more, under its id. A replay of a test is a test.

    Raises: WebhookNotFound, DeliveryQueueFull.
    """
    with transaction.atomic():
        webhook = _lock(webhook_id)
        original = webhook.deliveries.filter(pk=delivery_id).first()
        if original is None:
            raise WebhookNotFound
        cause = DeliveryCause.TEST if original.cause == DeliveryCause.TEST else DeliveryCause.REPLAY
        return _queue(webhook, cause, message_id=original.message_id, message_type=original.type, now=now)


def replay_since(*, webhook_id: UUID, since: datetime, actor: Subject, now: datetime) -> Webhook:
    """Send all events since a time once more, in order and under their ids, and then go on as before.

    Raises: WebhookNotFound.
    """
    with transaction.atomic():
        webhook = _lock(webhook_id)
        position = position_before(since)
        if position is not None:
            behind = Sink.objects.filter(pk=webhook.pk, transaction_id__gt=position.transaction_id)
            behind.update(transaction_id=position.transaction_id, event_id=position.event_id)
        _record(event_types.WEBHOOK_REPLAYED, webhook, actor, {"since": since.isoformat()}, now=now)
    return webhook


def _require_room() -> None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(%s)", [_REGISTRATION_LOCK])
    if Sink.objects.filter(kind=KIND).count() >= MOST_WEBHOOKS:
        raise WebhookLimitReached


def _name(url: str, sink_id: UUID) -> str:
    return f"{host_of(url)[:180]} {sink_id.hex[-8:]}"


def _lock(webhook_id: UUID, versions: frozenset[int] | None = None) -> Webhook:
    webhook = Webhook.objects.select_for_update(of=("self",)).select_related("sink").filter(pk=webhook_id).first()
    if webhook is None:
        raise WebhookNotFound
    if versions is not None and webhook.version not in versions:
        raise WebhookChanged
    return webhook


def _add_secret(webhook: Webhook, *, now: datetime) -> str:
    minted = signatures.mint()
    WebhookSecret.objects.create(webhook=webhook, **minted._asdict(), created_at=now)
    return minted.secret


def _queue(
    webhook: Webhook, cause: DeliveryCause, *, message_id: UUID, message_type: str, now: datetime
) -> WebhookDelivery:
    if webhook.deliveries.filter(status=DeliveryStatus.QUEUED).count() >= MOST_QUEUED:
        raise DeliveryQueueFull
    delivery = webhook.deliveries.create(
        cause=cause, message_id=message_id, type=message_type, status=DeliveryStatus.QUEUED, created_at=now
    )
    Sink.objects.filter(pk=webhook.pk).update(open_requests=F("open_requests") + 1)
    return delivery


def _record(event_type: EventType, webhook: Webhook, actor: Subject, data: Mapping[str, Any], *, now: datetime) -> None:
    target = Subject(str(webhook.pk), host_of(webhook.url))
    recording.record(event_type, actor=actor, target=target, data=data, now=now)
