"""Sinks for tests: rows, and a kind that remembers what it was given."""

from datetime import timedelta

from security_events.delivery import kinds
from security_events.delivery.schedule import RETRY_DELAYS
from security_events.models import Sink
from security_events.selectors.trail import end_of_trail


class RecordingKind:
    """Takes events, until `fail_with` says why it does not; `stop_after` is how many it takes of a batch."""

    name = "recording"
    batch_size = 3
    retry_delays = RETRY_DELAYS

    def __init__(self):
        self.taken, self.fail_with, self.stop_after, self.during = [], None, None, None

    def deliver(self, sink, events, *, now):
        if self.during is not None:
            self.during(sink)
        if self.fail_with is not None:
            raise self.fail_with
        taken = events[: self.stop_after]
        self.taken += [(sink.name, event.form["id"]) for event in taken]
        return len(taken)

    def deliver_requests(self, sink, *, now):
        self.taken.append((sink.name, "request"))

    def of(self, sink):
        """Return the ids of what a sink was given, in order."""
        return [event_id for name, event_id in self.taken if name == sink.name]


def recording_kind():
    """Register a new kind and return it."""
    kind = RecordingKind()
    kinds.register(kind)
    return kind


def make_sink(name, *, now, **members):
    """Store a sink that begins at the end of the trail."""
    position = end_of_trail()
    return Sink.objects.create(
        kind=RecordingKind.name,
        name=name,
        created_at=now,
        transaction_id=position.transaction_id,
        event_id=position.event_id,
        **members,
    )


HOUR = timedelta(hours=1)
