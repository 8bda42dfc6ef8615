"""Create, change and delete streams of shared signals. Each change records an event."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any
from uuid import UUID

from django.db import transaction

from cedrina_base.uuids import uuid7
from security_events.catalogue import EventType
from security_events.models import Sink
from security_events.selectors.trail import end_of_trail
from security_events.services import recording
from security_events.types import Subject
from tokens import event_types
from tokens.errors import SignalStreamLimitReached, SignalStreamNotFound
from tokens.models import DeliveryMethod, SignalStream
from tokens.services import keys
from tokens.services.shared_signals import signal_queue
from tokens.services.shared_signals.stream_owners import StreamOwner
from tokens.shared_signals.event_uris import SUPPORTED
from tokens.shared_signals.stream_members import validated_configuration

MOST_STREAMS = 10  # of one owner
PUSH_KIND, POLL_KIND = "signal_push", "signal_poll"
_KINDS = {DeliveryMethod.PUSH: PUSH_KIND, DeliveryMethod.POLL: POLL_KIND}


def create(*, owner: StreamOwner, body: Mapping[str, Any], now: datetime) -> SignalStream:
    """Store a stream of a caller. It begins with the signals of what happens from now on.

    Raises: SignalStreamInvalid, SignalStreamLimitReached.
    """
    values = validated_configuration(body)
    with transaction.atomic():
        owner.lock()
        if owner.streams().count() >= MOST_STREAMS:
            raise SignalStreamLimitReached
        stream_id, position = uuid7(), end_of_trail()
        sink = Sink.objects.create(
            id=stream_id,
            kind=_KINDS[values["delivery_method"]],
            name=str(stream_id),
            transaction_id=position.transaction_id,
            event_id=position.event_id,
            created_at=now,
        )
        stream = SignalStream.objects.create(
            sink=sink, client_id=owner.client_id, user_id=owner.user_id, created_at=now, updated_at=now, **values
        )
        record(event_types.SIGNAL_STREAM_CREATED, stream, actor=owner.subject, data=_described(stream), now=now)
    # The key is published before the first signal.
    keys.ensure_signal_key(now=now)
    return stream


def change(
    *, owner: StreamOwner, stream_id: UUID, body: Mapping[str, Any], is_replaced: bool, now: datetime
) -> SignalStream:
    """Change the members that a caller sends; with ``is_replaced`` those left out get their defaults.

    Raises: SignalStreamNotFound, SignalStreamInvalid.
    """
    with transaction.atomic():
        stream = locked(owner=owner, stream_id=stream_id)
        current = {
            "endpoint_url": stream.endpoint_url,
            "authorization_header": stream.authorization_header,
        }
        values = validated_configuration(body, current=current, is_replaced=is_replaced)
        changed = sorted(name for name, value in values.items() if getattr(stream, name) != value)
        if changed:
            for name in changed:
                setattr(stream, name, values[name])
            stream.updated_at = now
            stream.save(update_fields=[*changed, "updated_at"])
            # A delivery that failed before may work now.
            Sink.objects.filter(pk=stream.pk).update(
                kind=_KINDS[DeliveryMethod(stream.delivery_method)], next_attempt_at=None
            )
            data = {"changed": changed, **_described(stream)}
            record(event_types.SIGNAL_STREAM_CHANGED, stream, actor=owner.subject, data=data, now=now)
    return stream


def delete(*, owner: StreamOwner, stream_id: UUID, now: datetime) -> None:
    """Delete a stream with all that it has not delivered.

    Raises: SignalStreamNotFound.
    """
    with transaction.atomic():
        _delete(locked(owner=owner, stream_id=stream_id), actor=owner.subject, note="", now=now)


def delete_for_operator(*, stream_id: UUID, actor: Subject, note: str, now: datetime) -> bool:
    """Delete anybody's stream; return whether it was there."""
    with transaction.atomic():
        stream = locked_by_operator(stream_id)
        if stream is not None:
            _delete(stream, actor=actor, note=note, now=now)
    return stream is not None


def locked(*, owner: StreamOwner, stream_id: UUID) -> SignalStream:
    """Return a caller's stream, locked for the caller's transaction.

    Raises: SignalStreamNotFound.
    """
    stream = owner.streams().select_for_update(of=("self",)).filter(pk=stream_id).first()
    if stream is None:
        raise SignalStreamNotFound
    return stream


def locked_by_operator(stream_id: UUID) -> SignalStream | None:
    """Return anybody's stream, locked for the caller's transaction."""
    return SignalStream.objects.select_for_update(of=("self",)).select_related("sink").filter(pk=stream_id).first()


def record(
    event_type: EventType, stream: SignalStream, *, actor: Subject, data: Mapping[str, Any], now: datetime
) -> None:
    """Record what was done to a stream. The event names the stream as its target, without the receiver's address."""
    recording.record(event_type, actor=actor, target=Subject(id=str(stream.pk)), data=data, now=now)


def _delete(stream: SignalStream, *, actor: Subject, note: str, now: datetime) -> None:
    data = {"dropped": signal_queue.drop(stream), **({"note": note} if note else {})}
    record(event_types.SIGNAL_STREAM_DELETED, stream, actor=actor, data=data, now=now)
    Sink.objects.filter(pk=stream.pk).delete()  # the stream goes with its sink


def _described(stream: SignalStream) -> dict[str, Any]:
    return {
        "delivery": DeliveryMethod(stream.delivery_method).name.lower(),
        "events": [uri.rpartition("/")[2] for uri in delivered_events(stream)],
        "format": stream.user_format,
    }


def delivered_events(stream: SignalStream) -> list[str]:
    """Return the types of events that a stream delivers: those requested that are supported."""
    return [uri for uri in SUPPORTED if uri in stream.events_requested]
