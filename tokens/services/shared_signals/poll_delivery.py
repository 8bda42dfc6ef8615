"""Prepare signals for the receivers that poll, and give them out until they are acknowledged (RFC 8936)."""

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime, timedelta
from typing import NamedTuple
from uuid import UUID

from django.utils.translation import gettext_lazy as _

from security_events.delivery.kinds import DeliveryFailed
from security_events.models import Sink
from security_events.selectors.trail import TrailEvent
from tokens.errors import SignalStreamInvalid, SignalStreamNotFound
from tokens.models import DeliveryMethod, PendingSignal, StreamStatus
from tokens.services.shared_signals import signal_queue
from tokens.services.shared_signals.refusals import note
from tokens.services.shared_signals.security_event_tokens import sign
from tokens.services.shared_signals.signal_sinks import delivering_stream
from tokens.services.shared_signals.stream_owners import StreamOwner
from tokens.services.shared_signals.streams import POLL_KIND

MOST_AT_ONCE = 100  # tokens in one answer
# A queue that is full is looked at again when the receiver acknowledges, and at these times.
_RETRY_DELAYS = (timedelta(minutes=5),) * 1000


class SignalPollKind:
    """The sinks of streams that are polled. They put signals into the queue of their stream, as long as it has room.

    The rest waits in the trail: nothing is lost, and nothing grows.
    """

    name = POLL_KIND
    batch_size = 500
    retry_delays: Sequence[timedelta] = _RETRY_DELAYS

    def deliver(self, sink: Sink, events: Sequence[TrailEvent], *, now: datetime) -> int:
        """Queue the signals of events.

        Raises: DeliveryFailed, when the queue is full.
        """
        stream = delivering_stream(sink, now=now)
        if stream is None or stream.status != StreamStatus.ENABLED:
            return 0
        room = signal_queue.MAX_PENDING - stream.pending_signals.count()
        queued: list[PendingSignal] = []
        for delivered, event in enumerate(events):
            signals = signal_queue.signals_of(event.form, stream)
            if len(queued) + len(signals) > room:
                PendingSignal.objects.bulk_create(queued, ignore_conflicts=True)
                raise DeliveryFailed("the receiver does not poll", delivered=delivered)
            queued += signals
        PendingSignal.objects.bulk_create(queued, ignore_conflicts=True)
        return len(events)

    def deliver_requests(self, sink: Sink, *, now: datetime) -> None:
        """Do nothing: what is asked for waits in the queue for the next poll."""
        del sink, now


class PolledSignals(NamedTuple):
    """What a poll returns: tokens by their ids, and whether there are more."""

    tokens: Mapping[str, str]
    has_more: bool


def poll(
    *,
    owner: StreamOwner,
    stream_id: UUID,
    most: int,
    acknowledged: Collection[str],
    refused: Mapping[str, str],
    now: datetime,
) -> PolledSignals:
    """Take what a receiver acknowledges out of the queue of its stream, and return the oldest that is left.

    ``refused`` are the error codes of tokens that the receiver calls wrong. These are logged and not given out again.

    Raises: SignalStreamNotFound, SignalStreamInvalid for a stream that is not polled.
    """
    stream = owner.streams().filter(pk=stream_id).first()
    if stream is None:
        raise SignalStreamNotFound
    if stream.delivery_method != DeliveryMethod.POLL:
        raise SignalStreamInvalid(member="stream_id", sentence=_("The tokens of this stream are pushed."))
    own = stream.pending_signals.filter(jti__in=list(refused)).order_by("pk").values_list("jti", flat=True)
    note(stream, codes={jti: refused[jti] for jti in own}, now=now)
    if signal_queue.acknowledge(stream_id=stream.pk, jtis=[*acknowledged, *refused]):
        # There is room again. A queue that was full is filled at once.
        Sink.objects.filter(pk=stream.pk).update(next_attempt_at=None)
    count = min(most, MOST_AT_ONCE)
    waiting = signal_queue.deliverable(stream, limit=count + 1)
    given = waiting[:count]
    return PolledSignals(sign(given, stream=stream, now=now) if given else {}, len(waiting) > count)
