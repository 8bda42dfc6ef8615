"""Whether the trail is sealed, judged and delivered, and how far behind each of them is."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from security_events.delivery import configured_sinks
from security_events.models import Sink, SinkState
from security_events.selectors import sink_backlogs
from security_events.selectors.detection.detection_lag import detection_lag
from security_events.selectors.sealing.sealing_state import sealing_state
from security_events.selectors.sink_backlogs import NO_BACKLOG

MOST_SINKS = 20


@dataclass(frozen=True, slots=True)
class SinkHealth:
    """A sink that events or checkpoints are sent to, and how much waits for it."""

    kind: str
    name: str
    state: str
    waiting: int
    seconds: int


@dataclass(frozen=True, slots=True)
class TrailHealth:
    """Seconds are how long the oldest has been waiting; ``None`` where nothing has begun yet.

    Of the sinks, those that do worst are shown.
    """

    unsealed: int
    unsealed_seconds: int
    checkpoint_size: int | None
    checkpoint_seconds: int | None
    detection_waiting: int | None
    detection_seconds: int
    has_detection_worker: bool
    sinks: Sequence[SinkHealth]
    sink_number: int


def trail_health(now: datetime) -> TrailHealth:
    """Return how the trail does."""
    sealing, lag = sealing_state(), detection_lag()
    age = sealing.checkpoint_age(now=now)
    sinks = Sink.objects.filter(is_enabled=True)
    return TrailHealth(
        unsealed=sealing.unsealed,
        unsealed_seconds=int(sealing.waiting(now=now).total_seconds()),
        checkpoint_size=sealing.checkpoint.size if sealing.checkpoint else None,
        checkpoint_seconds=int(age.total_seconds()) if age is not None else None,
        detection_waiting=lag.waiting if lag else None,
        detection_seconds=int(lag.seconds(now=now)) if lag else 0,
        has_detection_worker=bool(lag and lag.has_worker),
        sinks=_sinks(now),
        sink_number=sinks.count(),
    )


def _sinks(now: datetime) -> Sequence[SinkHealth]:
    enabled = Sink.objects.filter(is_enabled=True).order_by("pk")
    troubled = list(enabled.exclude(state=SinkState.ACTIVE)[:MOST_SINKS])
    rows = [*troubled, *enabled.filter(state=SinkState.ACTIVE)[: MOST_SINKS - len(troubled)]]
    behind = sink_backlogs.backlogs(
        [row.pk for row in rows], checkpoint_kinds=list(configured_sinks.CHECKPOINT_KINDS.values())
    )
    found = []
    for row in rows:
        backlog = behind.get(row.pk, NO_BACKLOG)
        seconds = int((now - backlog.since).total_seconds()) if backlog.since else 0
        found.append(SinkHealth(row.kind, row.name, row.state, backlog.waiting, max(0, seconds)))
    return found
