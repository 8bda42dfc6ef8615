"""A thread in each process that compares the policy with the database once a second, and when it is notified."""

import logging
import os
import select
import threading
import time
from typing import Any

from django.db import connection

from accounts.access.conf import access_settings
from accounts.access.services import active_policy

log = logging.getLogger(__name__)


class _ThreadState:
    def __init__(self) -> None:
        self.thread: threading.Thread | None = None
        self.is_database_reachable = True


_state = _ThreadState()


def start() -> None:
    """Start the thread, once in each process; never if ``WATCH_SECONDS`` is 0."""
    if _state.thread is None and access_settings.WATCH_SECONDS:
        _state.thread = threading.Thread(target=_run, name="access-policy", daemon=True)
        _state.thread.start()


def _run() -> None:
    while True:
        seconds = access_settings.WATCH_SECONDS
        try:
            if connection.connection is None and connection.vendor == "postgresql":
                _listen()
            active_policy.refresh()
            _state.is_database_reachable = True
            _wait(seconds)
        except Exception as error:  # noqa: BLE001 - the thread must survive any error; the next run may succeed
            if _state.is_database_reachable:
                log.warning("access_policy_not_followed: %s", type(error).__name__)
            _state.is_database_reachable = False
            connection.close()
            time.sleep(seconds)


def _listen() -> None:
    with connection.cursor() as cursor:
        cursor.execute(f"LISTEN {active_policy.CHANNEL}")
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


os.register_at_fork(after_in_child=_reset_after_fork)
