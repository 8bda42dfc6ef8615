"""A thread in each process that keeps the policies up to date and reports what was counted.

Once a second it reads the version number in the database, which is authoritative. In between it waits for PostgreSQL's
notification of a change (LISTEN); a lost notification costs one second. No request waits for this thread, except the
first ones of a process.
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
from ratelimiting.services import active_policies, refusal_reports, tightened_networks
from ratelimiting.services.policies import CHANNEL

if TYPE_CHECKING:
    from datetime import datetime

FIRST_RUN_SECONDS = 2.0

log = logging.getLogger(__name__)


class _ThreadState:
    def __init__(self) -> None:
        self.thread: threading.Thread | None = None
        self.has_run = threading.Event()
        self.is_database_reachable = True
        self.are_routes_loaded = False
        self.compared_version = -1


_state = _ThreadState()


def start() -> None:
    """Start the thread, once in each process; never if ``WATCH_SECONDS`` is 0."""
    if _state.thread is None and rate_limiting_settings.WATCH_SECONDS:
        _state.thread = threading.Thread(target=_run, name="ratelimiting", daemon=True)
        _state.thread.start()


def wait_for_policies() -> None:
    """Wait until the stored policies are known, for 2 seconds at most. Only the first requests of a process wait."""
    if not _state.has_run.is_set() and rate_limiting_settings.WATCH_SECONDS:
        start()
        _state.has_run.wait(FIRST_RUN_SECONDS)
        _state.has_run.set()


def note_routes_loaded() -> None:
    """Remember that a request was resolved: before that the thread must not import the URLconf beside the server."""
    _state.are_routes_loaded = True


def run_once(*, now: datetime) -> None:
    """Read the policies if their version changed and the tightened networks, and report what was counted."""
    version = active_policies.refresh()
    tightened_networks.refresh(now=now)
    _state.has_run.set()
    if _state.are_routes_loaded and version != _state.compared_version:
        _log_outdated_names()
        _state.compared_version = version
    refusal_reports.report(now=now)


def _run() -> None:
    while True:
        seconds = rate_limiting_settings.WATCH_SECONDS
        try:
            if connection.connection is None:
                _listen()
            run_once(now=timezone.now())
            _state.is_database_reachable = True
            _wait(seconds)
        except Exception as error:  # noqa: BLE001 - the thread must survive any error; the next run may succeed
            if _state.is_database_reachable:
                log.warning("rate_limit_policies_not_followed: %s", type(error).__name__)
            _state.is_database_reachable = False
            connection.close()
            time.sleep(seconds)


def _log_outdated_names() -> None:
    for fault in active_policies.outdated_names():
        log.error("rate_limit_policy_names_nothing: %s", fault)


def _listen() -> None:
    if connection.vendor == "postgresql":
        with connection.cursor() as cursor:
            cursor.execute(f"LISTEN {CHANNEL}")
        # psycopg keeps notifications that no handler takes. Their content is not needed.
        connection.connection.add_notify_handler(_ignore)


def _ignore(_notification: Any) -> None:
    pass


def _wait(seconds: float) -> None:
    """Wait for a notification or until the time is over. The next query reads the notification."""
    if connection.vendor != "postgresql":
        time.sleep(seconds)
        return
    poll = select.poll()
    poll.register(connection.connection.fileno(), select.POLLIN)
    poll.poll(seconds * 1000)


def _reset_after_fork() -> None:
    """Forget the parent's thread, which does not run in the child."""
    _state.thread = None
    _state.has_run = threading.Event()
    _state.compared_version = -1


os.register_at_fork(after_in_child=_reset_after_fork)
