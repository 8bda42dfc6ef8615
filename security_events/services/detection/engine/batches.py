"""Take the next events of the trail through detection, in one transaction for each batch."""

import logging
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from uuid import UUID, uuid4

from django.db import connection, transaction

from security_events.detection import rules
from security_events.selectors.trail import TrailEvent, events_after
from security_events.services.detection import erasure, event_counts, facts, rule_settings
from security_events.services.detection.engine import acting, position
from security_events.services.detection.engine.judging import RuleJudge
from security_events.services.detection.engine.position import SharedPosition

BATCH = 500
_ATTEMPTS = 3  # to take one event

log = logging.getLogger(__name__)


@dataclass(slots=True)
class DetectionWorker:
    """One worker's part of detection. Any number may run at the same time; one of them has the position.

    It takes at most ``batch`` events at a time.
    """

    batch: int = BATCH
    lease_id: UUID = field(default_factory=uuid4)
    has_position: bool = False
    _limit: int = field(init=False)
    _failures: int = field(init=False, default=0)
    _judge: RuleJudge = field(init=False, default_factory=RuleJudge)

    def __post_init__(self) -> None:
        self._limit = self.batch

    def advance(self, *, now: datetime) -> int:
        """Take the next events, store facts, findings and the position, and return how many events there were.

        It is 0 while another worker has the position. Facts, findings and the position are committed together: a
        process that is killed at any moment leaves a state in which nothing is lost and nothing happened twice.
        """
        rules.load()
        shared = position.acquire(lease_id=self.lease_id, now=now)
        self.has_position = shared is not None
        if shared is None:
            return 0
        rule_settings.refresh(newest=shared.newest_version)
        # Read before the transaction begins: then the events that it records stand behind those it has read. It also is
        # short, so that it hardly holds back the readers of the trail.
        events = events_after(shared.position, limit=self._limit)
        if not events:
            return 0
        try:
            is_done = self._take(events, shared, now=now)
        except Exception:
            if not connection.is_usable():
                raise  # an outage; the batch is done again
            log.exception("detection_batch_failed")
            self._after_failure(events, shared, now=now)
            return 0
        self._limit, self._failures = self.batch, 0
        return len(events) if is_done else 0

    def release(self) -> None:
        """Let another worker go on at once."""
        position.release(lease_id=self.lease_id)

    def _after_failure(self, events: Sequence[TrailEvent], shared: SharedPosition, *, now: datetime) -> None:
        """Find the event that detection can't deal with, and leave it out: others must not wait for ever."""
        self._limit = 1
        self._failures += 1
        if len(events) == 1 and self._failures > _ATTEMPTS:
            log.error("detection_event_left_out: %s", events[0].form["id"])
            position.advance(shared.position, events[0].position, lease_id=self.lease_id, now=now)
            self._failures = 0

    def _take(self, events: Sequence[TrailEvent], shared: SharedPosition, *, now: datetime) -> bool:
        end = events[-1].position
        found = facts.facts_of(events)
        judged = [each.fact for each in found if each.position.transaction_id > shared.judged_from]
        attacks = self._judge.judge(judged, up_to=shared.position)
        with transaction.atomic():
            if not position.advance(shared.position, end, lease_id=self.lease_id, now=now):
                return False  # another worker has it
            facts.insert(found)
            event_counts.count(events, now=now)
            acting.act(attacks, now=now)
            erasure.forget_erased_in(events)
        if len(judged) == len(found):
            self._judge.committed(end)
        return True
