"""Deliver to one sink for a while: read the events behind its position, hand them to its kind, store the position.

The position is stored after the delivery. A process that is killed in between delivers these events again, under the
same ids; it never loses one.
"""

import logging
import time
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from uuid import UUID, uuid4

from django.db import transaction
from django.db.models import F

from security_events import measures
from security_events.delivery import schedule, sink_notices, sink_rows
from security_events.delivery.kinds import KINDS, CheckpointKind, DeliveryFailed, SinkKind
from security_events.models import Sink, SinkState
from security_events.selectors.sealing.checkpoint_positions import checkpoints_after
from security_events.selectors.trail import TrailEvent, TrailPosition, events_after

BATCH_SECONDS = 5.0  # for one call of a kind; with one request more it must fit into sink_rows.LEASE_SECONDS
TURN_SECONDS = 10.0  # then other sinks may have the thread

log = logging.getLogger(__name__)


def deliver(sink_id: UUID, *, now: datetime, is_stopping: Callable[[], bool] = lambda: False) -> int:
    """Deliver to a sink until nothing is left, it fails, or the turn is over. Return the number of events.

    ``now`` is the time at the beginning. Nothing is done while another process delivers to the sink.
    """
    sink = sink_rows.lease(sink_id, lease_id=uuid4())
    if sink is None:
        return 0
    started = time.monotonic()
    total = 0

    def clock() -> datetime:
        return now + timedelta(seconds=time.monotonic() - started)

    try:
        while time.monotonic() - started < TURN_SECONDS and not is_stopping():
            delivered = _deliver_batch(sink, clock)
            if not delivered:
                break
            total += delivered
    finally:
        sink_rows.release(sink)
    return total


def _deliver_batch(sink: Sink, clock: Callable[[], datetime]) -> int:
    """Deliver some events; 0 when there is nothing more to do now."""
    kind = KINDS[sink.kind]
    if sink.open_requests:
        kind.deliver_requests(sink, now=clock())
        # Not those that came in meanwhile, and none of them if the process is killed before.
        Sink.objects.filter(pk=sink.pk).update(open_requests=F("open_requests") - sink.open_requests)
        sink.open_requests = 0
    if not sink.is_enabled or (sink.next_attempt_at is not None and sink.next_attempt_at > clock()):
        return 0
    read = checkpoints_after if isinstance(kind, CheckpointKind) else events_after
    events = read(TrailPosition(sink.transaction_id, sink.event_id), limit=kind.batch_size)
    if not events:
        return 0
    delivered, failure = _attempt(kind, sink, events, clock())
    measures.DELIVERIES.count(kind.name, "delivered" if failure is None else "failed")
    if delivered and not _advance(sink, events[delivered - 1].position, clock()):
        return 0  # another process has the sink
    if failure is not None:
        _store_failure(sink, kind, failure, clock())
        return 0
    try:
        sink.refresh_from_db()  # an operator may have switched it off, or asked for something
    except Sink.DoesNotExist:
        return 0
    return delivered


def _attempt(
    kind: SinkKind, sink: Sink, events: Sequence[TrailEvent], now: datetime
) -> tuple[int, DeliveryFailed | None]:
    try:
        return kind.deliver(sink, events, now=now), None
    except DeliveryFailed as failure:
        return failure.delivered, failure
    except Exception as error:
        # A fault in the code of a kind must not end the deliveries to other sinks.
        log.exception("sink_delivery_broke: %s %s", sink.kind, sink.pk)
        return 0, DeliveryFailed(f"internal error: {type(error).__name__}")


def _advance(sink: Sink, position: TrailPosition, now: datetime) -> bool:
    with transaction.atomic():
        if not sink_rows.advance(sink, position, now=now):
            return False
        if sink.state == SinkState.PARKED:
            sink_notices.tell_resumed(sink, now=now)
        sink.state, sink.attempts, sink.failing_since = SinkState.ACTIVE, 0, None
        sink.transaction_id, sink.event_id = position
    return True


def _store_failure(sink: Sink, kind: SinkKind, failure: DeliveryFailed, now: datetime) -> None:
    attempts, since = sink.attempts + 1, sink.failing_since or now
    is_parked = schedule.is_given_up(attempts=attempts, failing_for=now - since, delays=kind.retry_delays)
    state = SinkState.GONE if failure.is_gone else SinkState.PARKED if is_parked else SinkState.FAILING
    delay = schedule.delay_after(
        attempts=attempts, is_parked=is_parked, retry_after=failure.retry_after, delays=kind.retry_delays
    )
    changes = {
        "state": state,
        "attempts": attempts,
        "failing_since": since,
        "next_attempt_at": now + delay,
        "last_error": failure.reason[:200],
        **({"is_enabled": False} if failure.is_gone else {}),
    }
    with transaction.atomic():
        if not Sink.objects.filter(pk=sink.pk, lease_id=sink.lease_id).update(**changes):
            return
        previous, sink.state, sink.last_error = sink.state, state, failure.reason[:200]
        if state != previous and state in (SinkState.PARKED, SinkState.GONE):
            sink_notices.tell_stopped(sink, now=now)
    log.warning("sink_delivery_failed: %s %s: %s (attempt %d)", sink.kind, sink.pk, failure.reason, attempts)
