"""Note each decision of this process, and store what was noted: figures of a draft each second, the rest each minute.

The thread of ``cedrina_base.database_watch`` stores it. It runs in each process that decides.
"""

import logging
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta

from accounts.access.conf import access_settings
from accounts.access.services import active_policy, decisions
from accounts.access.services.compiling import Policy
from accounts.access.services.decisions import Decided
from accounts.access.services.records import observing, writing
from accounts.access.services.shadow import comparison, figures, running
from cedrina_base import database_watch

INTERVAL = timedelta(minutes=1)

log = logging.getLogger(__name__)


class _ProcessState:
    def __init__(self) -> None:
        self.due_at: datetime | None = None
        self.is_observing = True


_state = _ProcessState()


def begin() -> None:
    """Note each decision of this process from now on, and compare it with a draft while one is evaluated."""
    decisions.observe(_observe)
    database_watch.register(
        database_watch.Follower(
            name="access_records",
            channel=active_policy.CHANNEL,
            run_once=lambda now: store(now=now),
            seconds=lambda: access_settings.WATCH_SECONDS,
        )
    )


def store(*, now: datetime) -> None:
    """Store the figures of a draft, and once a minute what was noted of decisions."""
    figures.write()
    if _state.due_at is None or now >= _state.due_at:
        is_first, _state.due_at = _state.due_at is None, now + INTERVAL
        if not is_first:
            writing.write(now=now)


def _observe(decided: Sequence[Decided], at: datetime, policy: Policy) -> None:
    for each in observing.count(decided):
        _alone(observing.keep, each, at, policy)
    if running.current() is not None:
        for each in decided:
            _alone(comparison.compare, each, at, policy)


def _alone(function: Callable[[Decided, datetime, Policy], None], each: Decided, at: datetime, policy: Policy) -> None:
    """Call a function that looks at attributes, so that the failure of one decision concerns no other."""
    try:
        function(each, at, policy)
    except Exception as error:  # noqa: BLE001 - attributes are objects of the project and may raise anything
        # Nobody's request may fail because of a record. The error's text may hold an attribute, so it is not logged.
        if _state.is_observing:
            log.error("access_decision_not_noted: %s", type(error).__name__)  # noqa: TRY400 - see above
        _state.is_observing = False
