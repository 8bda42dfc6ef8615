"""What waits for the receiver of a stream: signals of streams that are polled, and events about a stream itself.

A signal stays until its receiver has acknowledged it, whatever process is killed meanwhile.
"""

import uuid
from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from django.db.models import F

from security_events.models import Sink
from tokens.models import PendingSignal, SignalStream, StreamStatus
from tokens.selectors import is_excluded
from tokens.shared_signals import event_uris
from tokens.shared_signals.caep_events import EventForm, caep_events, event_claims

# How many signals are prepared for a receiver that polls. Those after them wait in the trail.
MAX_PENDING = 1000


def signals_of(form: EventForm, stream: SignalStream) -> list[PendingSignal]:
    """Return the signals that an event is for a stream, in most cases none. Nothing is stored.

    The id and the time of a token follow from the event and the stream, so a token that is sent again is the same one
    (RFC 8417, 2.2). Each receiver gets tokens of its own, so an id has a part of the stream's, too.
    """
    found = []
    for index, event in enumerate(caep_events(form)):
        if event.uri not in stream.events_requested or not event.user_id:
            continue
        if is_excluded(stream=stream, user_id=event.user_id, session_id=event.session_id):
            continue
        suffix = f".{index}" if index else ""
        found.append(
            PendingSignal(
                stream=stream,
                jti=f"{form['id']}.{stream.pk.hex[-12:]}{suffix}",
                user_id=event.user_id,
                session_id=event.session_id,
                transaction_identifier=form["correlation_id"] or form["id"],
                events={event.uri: event_claims(event, occurred_at=form["occurred_at"])},
                issued_at=datetime.fromisoformat(form["occurred_at"]),
            )
        )
    return found


def add_verification(stream: SignalStream, *, state: str | None, now: datetime) -> None:
    """Queue a verification event (the framework, 8.1.4). One that was not delivered yet is replaced."""
    stream.pending_signals.filter(events__has_key=event_uris.VERIFICATION).delete()
    claims = {} if state is None else {"state": state}
    _add(stream, "verification", {event_uris.VERIFICATION: claims}, is_status_change=False, now=now)


def add_status_change(stream: SignalStream, *, now: datetime) -> None:
    """Queue the event that tells a receiver of a status that it has not set itself (the framework, 8.1.5).

    It is delivered whatever that status is.
    """
    stream.pending_signals.filter(is_status_change=True).delete()
    claims = {"status": str(stream.status), **({"reason": stream.status_reason} if stream.status_reason else {})}
    _add(stream, "stream-updated", {event_uris.STREAM_UPDATED: claims}, is_status_change=True, now=now)


def deliverable(stream: SignalStream, *, limit: int) -> Sequence[PendingSignal]:
    """Return the oldest signals that may be delivered now."""
    signals = stream.pending_signals.order_by("pk")
    if stream.status != StreamStatus.ENABLED:
        signals = signals.filter(is_status_change=True)
    return list(signals[:limit])


def acknowledge(*, stream_id: UUID, jtis: Collection[str]) -> int:
    """Delete signals that a receiver has taken or refused; return how many. Those of other streams stay."""
    count, _ = PendingSignal.objects.filter(stream_id=stream_id, jti__in=jtis).delete()
    return count


def drop(stream: SignalStream) -> int:
    """Delete all signals of a stream; return how many."""
    count, _ = stream.pending_signals.all().delete()
    return count


def request_delivery(stream_id: UUID) -> None:
    """Let the dispatcher look at a stream at once, beside the trail and whatever has failed before."""
    Sink.objects.filter(pk=stream_id).update(open_requests=F("open_requests") + 1, next_attempt_at=None)


def _add(stream: SignalStream, kind: str, events: dict[str, Any], *, is_status_change: bool, now: datetime) -> None:
    PendingSignal.objects.create(
        stream=stream, jti=f"{kind}.{uuid.uuid4()}", events=events, is_status_change=is_status_change, issued_at=now
    )
    request_delivery(stream.pk)
