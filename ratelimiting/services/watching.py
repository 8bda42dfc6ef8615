"""A thread of each process that follows changes of the policies and hands on what was counted.

It looks at the version in the database once a second, which is the truth, and in between listens for the notice that
PostgreSQL gives at the end of a change, which is a hint: a lost one costs a second. No request ever waits for it.
"""

from __future__ import annotations

import logging
import os
import select
import threading
import time
from typing import TYPE_CHECKING, Any

from django.db import connection
from django.utils import timezone

from ratelimiting.conf import rate_limiting_settings
from ratelimiting.services import rules, tally
from ratelimiting.services.policies import CHANNEL

if TYPE_CHECKING:
    from datetime import datetime

FIRST_LOOK_SECONDS = 2.0

log = logging.getLogger(__name__)


class _Watch:
    def __init__(self) -> None:
        self.thread: threading.Thread | None = None
        self.has_looked = threading.Event()
        self.is_reachable = True


_watch = _Watch()


def start() -> None:
    """Begin to watch, once in each process; where WATCH_SECONDS is 0 never."""
    if _watch.thread is None and rate_limiting_settings.WATCH_SECONDS:
        _watch.thread = threading.Thread(target=_run, name="ratelimiting-watch", daemon=True)
        _watch.thread.start()


def ensure_first_look() -> None:
    """Let a process' first requests wait, for a moment at most, until the stored policies are known."""
    if not _watch.has_looked.is_set() and rate_limiting_settings.WATCH_SECONDS:
        start()
        _watch.has_looked.wait(FIRST_LOOK_SECONDS)
        _watch.has_looked.set()


def look(*, now: datetime) -> None:
    """Do what is due: follow the present version, and hand on what was counted."""
    rules.refresh()
    _watch.has_looked.set()
    tally.flush(now=now)


def _run() -> None:
    while True:
        seconds = rate_limiting_settings.WATCH_SECONDS
        try:
            if connection.connection is None:
                _listen()
            look(now=timezone.now())
            _watch.is_reachable = True
            _wait(seconds)
        except Exception as error:  # noqa: BLE001 - it goes on whatever happens: the next look may succeed
            if _watch.is_reachable:
                log.warning("rate_limit_policies_not_followed: %s", type(error).__name__)
            _watch.is_reachable = False
            connection.close()
            time.sleep(seconds)


def _listen() -> None:
    if connection.vendor == "postgresql":
        with connection.cursor() as cursor:
            cursor.execute(f"LISTEN {CHANNEL}")
        # That something came is all there is to know; without a reader it would be kept.
        connection.connection.add_notify_handler(_hear)


def _hear(_notice: Any) -> None:
    pass


def _wait(seconds: float) -> None:
    """Wait for a notice or for the time to pass. The next look reads what came."""
    if connection.vendor != "postgresql":
        time.sleep(seconds)
        return
    poll = select.poll()
    poll.register(connection.connection.fileno(), select.POLLIN)
    poll.poll(seconds * 1000)


def _start_anew() -> None:
    """Threads don't follow into a forked process, and its parent's connection is not its own."""
    _watch.thread = None
    _watch.has_looked = threading.Event()


os.register_at_fork(after_in_child=_start_anew)
