"""Run detection on a thread of a worker process, beside the deliveries.

It is no sink of the outbox: a sink's position is stored after the delivery, so that an event may come twice, and facts,
findings and position have to be committed together here. It looks twice a second, as the dispatcher does and for the
same reason: a notification in the commits of writers would make them wait for each other.
"""

import logging
import threading
from collections.abc import Callable
from datetime import datetime, timedelta

from django.db import DatabaseError, connection
from django.utils import timezone

from security_events.services.detection import client_counts, event_counts, facts
from security_events.services.detection.engine import shadowing
from security_events.services.detection.engine.batches import DetectionWorker

POLL_SECONDS = 0.5
_LONGEST_OUTAGE_WAIT = 5.0
_CLEANING = timedelta(minutes=5)

log = logging.getLogger(__name__)


class DetectionLoop:
    """Detects until it is stopped."""

    def __init__(self, *, clock: Callable[[], datetime] = timezone.now) -> None:
        self._clock = clock
        self._worker = DetectionWorker()
        self._expiry = facts.Expiry()
        self._next_cleaning = clock()
        self._stopping = threading.Event()

    def stop(self) -> None:
        """Let ``run`` return once the batch that is under way has ended."""
        self._stopping.set()

    def run(self) -> None:
        """Detect until ``stop`` is called from another thread. Outages of the database are waited for."""
        wait = POLL_SECONDS
        while not self._stopping.is_set():
            taken = 0
            try:
                taken = self._worker.advance(now=self._clock())
                self._clean_up()
                wait = POLL_SECONDS
            except DatabaseError as error:
                connection.close()
                if wait == POLL_SECONDS:
                    log.warning("detection_lost_database: %s", type(error).__name__)
                wait = min(2 * wait, _LONGEST_OUTAGE_WAIT)
            except Exception:
                log.exception("detection_broke")  # nobody would start the thread again
                wait = _LONGEST_OUTAGE_WAIT
            if not taken:
                self._stopping.wait(wait)
        self._release()

    def _clean_up(self) -> None:
        """Delete now and then what has expired, by the worker that has the position."""
        now = self._clock()
        if self._worker.has_position and now >= self._next_cleaning:
            self._next_cleaning = now + _CLEANING
            self._expiry.delete(now=now)
            shadowing.forget_reports(now=now)
            client_counts.prune()
            event_counts.purge(now=now)

    def _release(self) -> None:
        try:
            self._worker.release()
        except DatabaseError as error:
            log.warning("detection_lost_database: %s", type(error).__name__)
        finally:
            connection.close()
