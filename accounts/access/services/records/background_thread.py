"""A thread in each process that decides: it stores what was noted once a minute, and figures of a draft each second.

It begins with the first decision of the process, and has a database connection only while it writes.
"""

import logging
import os
import threading
import time
from datetime import datetime

from django.db import connection
from django.utils import timezone

from accounts.access.conf import access_settings
from accounts.access.deciding.index import Decision
from accounts.access.services import decisions
from accounts.access.services.compiling import Policy
from accounts.access.services.records import observing, writing
from accounts.access.services.shadow import comparison, figures
from accounts.access.types import Question, SubjectFacts

WRITE_SECONDS = 60.0

log = logging.getLogger(__name__)


class _ThreadState:
    def __init__(self) -> None:
        self.thread: threading.Thread | None = None
        self.is_writing = True
        self.is_observing = True


_state = _ThreadState()


def observe() -> None:
    """Let each decision of this process be noted from now on, and compared with a draft while one is evaluated."""
    decisions.observe(_observe)


def _observe(facts: SubjectFacts, question: Question, decision: Decision, at: datetime, policy: Policy) -> None:
    try:
        observing.note(facts, question, decision, at, policy)
        comparison.compare(facts, question, decision, at, policy)
        if _state.thread is None:
            _start()
    except Exception as error:
        # Nobody's request may fail because of a record. Attributes are objects of the project and may raise anything.
        if _state.is_observing:
            log.exception("access_decision_not_noted: %s", type(error).__name__)
        _state.is_observing = False


def _start() -> None:
    if access_settings.WATCH_SECONDS:
        _state.thread = threading.Thread(target=_run, name="access-records", daemon=True)
        _state.thread.start()


def _run() -> None:
    written_at = time.monotonic()
    while True:
        time.sleep(access_settings.WATCH_SECONDS or 1.0)
        is_due = time.monotonic() - written_at >= WRITE_SECONDS
        try:
            # Only when there is something to write, so that the connection is opened seldom.
            wrote = figures.write()
            if is_due:
                written_at = time.monotonic()
                writing.write(now=timezone.now())
            _state.is_writing = True
        except Exception as error:  # noqa: BLE001 - the thread must survive any error; the next run may succeed
            if _state.is_writing:
                log.warning("access_decisions_not_recorded: %s", type(error).__name__)
            _state.is_writing = False
            wrote = True
        if wrote or is_due:
            connection.close()


def _reset_after_fork() -> None:
    """Forget the parent's thread, which does not run in the child."""
    _state.thread = None


os.register_at_fork(after_in_child=_reset_after_fork)
