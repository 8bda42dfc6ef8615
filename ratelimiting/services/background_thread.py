"""What each process does about once a second: keep the policies up to date, and report what was counted.

It is done by the thread of ``cedrina_base.database_watch``: when PostgreSQL notifies it of a change, and in any case
after a second. No request waits for this thread, except the first ones of a process.
"""

from __future__ import annotations

import logging
import os
import threading
from typing import TYPE_CHECKING

from cedrina_base import database_watch
from cedrina_base.database_watch import Follower
from ratelimiting.conf import rate_limiting_settings
from ratelimiting.services import active_policies, refusal_reports, tightened_networks
from ratelimiting.services.policies import CHANNEL

if TYPE_CHECKING:
    from datetime import datetime

FIRST_RUN_SECONDS = 2.0

log = logging.getLogger(__name__)


class _ProcessState:
    def __init__(self) -> None:
        self.has_run = threading.Event()
        self.are_routes_loaded = False
        self.compared_version = -1


_state = _ProcessState()


def start() -> None:
    """Start the thread, once in each process; never if ``WATCH_SECONDS`` is 0."""
    database_watch.start()


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


def _log_outdated_names() -> None:
    for fault in active_policies.outdated_names():
        log.error("rate_limit_policy_names_nothing: %s", fault)


def _reset_after_fork() -> None:
    """Let the first requests of the child wait, too."""
    _state.has_run = threading.Event()
    _state.compared_version = -1


os.register_at_fork(after_in_child=_reset_after_fork)
database_watch.register(
    Follower(
        name="rate_limit_policies",
        channel=CHANNEL,
        run_once=lambda now: run_once(now=now),
        seconds=lambda: rate_limiting_settings.WATCH_SECONDS,
    )
)
