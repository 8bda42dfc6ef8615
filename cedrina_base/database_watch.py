"""One thread in each process that follows what other processes change in the database, for all apps.

An app registers a follower: a function that compares what the process knows with the database. The thread calls all
followers about once a second, and earlier when PostgreSQL notifies it (LISTEN) on one of their channels. The database
is the truth: a lost notification costs the time of one round. The thread has one connection.
"""

import logging
import os
import select
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db import DatabaseError, InterfaceError, connection

from cedrina_base import database_clock

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Follower:
    """What an app does in each round. ``seconds`` returns the time between two rounds, 0 while the app wants none."""

    name: str
    channel: str
    run_once: Callable[[datetime], object]
    seconds: Callable[[], float]


class _ThreadState:
    def __init__(self) -> None:
        self.thread: threading.Thread | None = None
        self.failing: set[str] = set()


_followers: dict[str, Follower] = {}
_lock = threading.Lock()
_state = _ThreadState()


def register(follower: Follower) -> None:
    """Let the thread call a follower, in place of an earlier one of the same name. This starts no thread."""
    _followers[follower.name] = follower


def start() -> None:
    """Start the thread, once in each process; never while no app wants rounds."""
    if _state.thread is not None or not any(follower.seconds() for follower in _followers.values()):
        return
    with _lock:
        if _state.thread is None:
            _state.thread = threading.Thread(target=_run, name="database-watch", daemon=True)
            _state.thread.start()


def is_running() -> bool:
    """Return whether this process has the thread."""
    return _state.thread is not None


def run_round(listening: set[str], *, now: datetime) -> float:
    """Call all followers once, and listen on the channels of new ones; return the seconds until the next round.

    The mistake of one follower does not keep the others from being called. An error of the database closes the
    connection; the next round opens another one.
    """
    active = [follower for follower in tuple(_followers.values()) if follower.seconds()]
    for follower in active:
        try:
            if connection.connection is None:
                listening.clear()
            _listen(follower.channel, listening)
            follower.run_once(now)
            _state.failing.discard(follower.name)
        except Exception as error:  # noqa: BLE001 - the thread must survive any error; the next round may succeed
            if follower.name not in _state.failing:
                log.warning("database_not_followed: %s, %s", follower.name, type(error).__name__)
            _state.failing.add(follower.name)
            if isinstance(error, DatabaseError | InterfaceError) or not connection.is_usable():
                connection.close()
    return min((follower.seconds() for follower in active), default=1.0)


def _run() -> None:
    listening: set[str] = set()
    while True:
        try:
            database_clock.compare()
        except Exception:  # noqa: BLE001 - the thread must survive any error; the next round tries again
            connection.close()
        seconds = run_round(listening, now=database_clock.now())
        try:
            _wait(seconds)
        except Exception:  # noqa: BLE001 - as above; the next round reconnects
            connection.close()
            time.sleep(seconds)


def _listen(channel: str, listening: set[str]) -> None:
    if connection.vendor != "postgresql" or channel in listening:
        return
    with connection.cursor() as cursor:
        cursor.execute(f'LISTEN "{channel}"')
    if not listening:
        # psycopg keeps notifications that no handler takes. Their content is not needed.
        connection.connection.add_notify_handler(_ignore)
    listening.add(channel)


def _ignore(_notification: Any) -> None:
    pass


def _wait(seconds: float) -> None:
    """Wait for a notification or until the time is over. The next query reads the notification."""
    if connection.vendor != "postgresql" or connection.connection is None:
        time.sleep(seconds)
        return
    poll = select.poll()
    poll.register(connection.connection.fileno(), select.POLLIN)
    poll.poll(seconds * 1000)


def _reset_after_fork() -> None:
    """Forget the parent's thread, which does not run in the child."""
    global _lock  # noqa: PLW0603 - another thread of the parent may have held it
    _lock = threading.Lock()
    _state.thread = None
    _state.failing = set()


os.register_at_fork(after_in_child=_reset_after_fork)
