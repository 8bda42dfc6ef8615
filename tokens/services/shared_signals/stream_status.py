"""The status of a stream and its verification (Shared Signals Framework 1.0, 8.1.2 and 8.1.4)."""

from datetime import datetime, timedelta
from uuid import UUID

from django.db import transaction
from django.utils.translation import gettext_lazy as _

from security_events.models import Sink
from security_events.selectors.trail import end_of_trail
from security_events.types import NO_SUBJECT, Subject
from tokens import event_types
from tokens.errors import SignalStreamHeld, SignalStreamInvalid, VerificationTooSoon
from tokens.models import SignalStream, StreamStatus
from tokens.services.shared_signals import signal_queue, streams
from tokens.services.shared_signals.stream_owners import StreamOwner, is_entitled

MIN_VERIFICATION_INTERVAL = timedelta(seconds=30)
OWNER_NOT_ENTITLED = "The owner of this stream may not have one any more."


def set_by_receiver(*, owner: StreamOwner, stream_id: UUID, status: str, reason: str, now: datetime) -> SignalStream:
    """Set the status of a caller's stream.

    A stream that is paused holds its signals, one that is disabled drops them and begins anew when it is enabled.

    Raises: SignalStreamNotFound, SignalStreamHeld.
    """
    with transaction.atomic():
        stream = streams.locked(owner=owner, stream_id=stream_id)
        if stream.is_held and status == StreamStatus.ENABLED:
            raise SignalStreamHeld
        _set(stream, StreamStatus(status), reason, actor=owner.subject, note="", now=now)
    return stream


def set_by_operator(*, stream_id: UUID, status: StreamStatus, actor: Subject, note: str, now: datetime) -> bool:
    """Set the status of anybody's stream, and tell its receiver; return whether it was another one.

    Only an operator enables it again. The receiver is not told the operator's ``note``. A stream whose owner may not
    have one stays as it is.
    """
    with transaction.atomic():
        stream = streams.locked_by_operator(stream_id)
        if stream is None or stream.status == status or (status == StreamStatus.ENABLED and not is_entitled(stream)):
            return False
        stream.is_held = status != StreamStatus.ENABLED
        _set(stream, status, "Set by an operator of the transmitter.", actor=actor, note=note, now=now)
        signal_queue.add_status_change(stream, now=now)
    return True


def pause_unentitled(stream_id: UUID, *, now: datetime) -> None:
    """Pause a stream whose owner may not have one any more."""
    with transaction.atomic():
        stream = streams.locked_by_operator(stream_id)
        if stream is None or stream.status != StreamStatus.ENABLED or is_entitled(stream):
            return
        _set(stream, StreamStatus.PAUSED, OWNER_NOT_ENTITLED, actor=NO_SUBJECT, note=OWNER_NOT_ENTITLED, now=now)
        signal_queue.add_status_change(stream, now=now)


def request_verification(*, owner: StreamOwner, stream_id: UUID, state: str | None, now: datetime) -> None:
    """Queue a verification event for a caller's stream.

    Raises: SignalStreamNotFound, SignalStreamInvalid for a stream that is disabled, VerificationTooSoon.
    """
    with transaction.atomic():
        stream = streams.locked(owner=owner, stream_id=stream_id)
        if stream.status == StreamStatus.DISABLED:
            raise SignalStreamInvalid(member="stream_id", sentence=_("The stream is disabled. Enable it first."))
        due_at = (stream.verified_at or now - MIN_VERIFICATION_INTERVAL) + MIN_VERIFICATION_INTERVAL
        if now < due_at:
            raise VerificationTooSoon(wait=max(1, round((due_at - now).total_seconds())))
        SignalStream.objects.filter(pk=stream.pk).update(verified_at=now)
        signal_queue.add_verification(stream, state=state, now=now)


def _set(stream: SignalStream, status: StreamStatus, reason: str, *, actor: Subject, note: str, now: datetime) -> None:
    before = stream.status
    stream.status, stream.status_reason = status, reason
    stream.save(update_fields=["status", "status_reason", "is_held"])
    if status == before:
        return
    changes: dict[str, object] = {"is_enabled": status == StreamStatus.ENABLED, "next_attempt_at": None}
    if before == StreamStatus.DISABLED and status == StreamStatus.ENABLED:
        changes |= end_of_trail()._asdict()
    dropped = signal_queue.drop(stream) if status == StreamStatus.DISABLED else 0
    Sink.objects.filter(pk=stream.pk).update(**changes)
    if status == StreamStatus.ENABLED:
        signal_queue.request_delivery(stream.pk)
    data = {"status": str(status), "dropped": dropped, **({"note": note} if note else {})}
    streams.record(event_types.SIGNAL_STREAM_STATUS_CHANGED, stream, actor=actor, data=data, now=now)
