"""Answer some reads by a replica of the database, without ever showing less than was committed before the read began.

A selector opts in by ``@from_replica``. Nothing else is read there: authentication, sessions, limits and whatever
decides something stay on the primary, because a replica is behind by design.

Before such a read the primary is asked how far its WAL has come, and the replica whether it has replayed that much. So
a person sees their own writes, and everybody else's that were committed before (reads are linearizable). The primary
answers instead when the replica has not come so far after ``WAIT_SECONDS``, is gone, fails, follows another primary or
has been promoted. After a failure no read tries it for ``RETRY_SECONDS``: a frozen replica costs one read in that time.

Without the database alias ``replica`` in the settings each read goes to the primary at once.
"""

import functools
import logging
import time
from collections.abc import Callable
from contextvars import ContextVar
from typing import ParamSpec, TypeVar

from django.db import DEFAULT_DB_ALIAS, Error, connections

REPLICA_ALIAS = "replica"
WAIT_SECONDS = 0.1
LOOK_SECONDS = 0.005
RETRY_SECONDS = 10.0

P = ParamSpec("P")
T = TypeVar("T")
log = logging.getLogger(__name__)

# Commits become visible after their WAL was flushed, so what is flushed is what must be replayed. Only with
# synchronous_commit=off they are visible earlier. The insert position is too strict otherwise: WAL that no commit waits
# for (hint bits) is flushed, and sent, up to 0.2 s later.
_PRIMARY = """
SELECT lsn, ('x' || left(pg_walfile_name(lsn), 8))::bit(32)::int
FROM (SELECT CASE WHEN pg_is_in_recovery() THEN NULL
                  WHEN current_setting('synchronous_commit') = 'off' THEN pg_current_wal_insert_lsn()
                  ELSE pg_current_wal_flush_lsn() END) AS current (lsn)
"""
# The timeline is that of its last restart point, so it may be late after a failover; then the primary answers until it
# is not. Without it, a replica of a former primary could have "replayed" the same positions of another history.
_REPLICA = """
SELECT pg_is_in_recovery() AND pg_last_wal_replay_lsn() >= %s::pg_lsn,
       (SELECT timeline_id FROM pg_control_checkpoint()) = %s
"""
_alias: ContextVar[str] = ContextVar("replica_reads_alias", default=DEFAULT_DB_ALIAS)
_not_before = 0.0


def alias() -> str:
    """Return the database that reads of the running selector go to."""
    return _alias.get()


def from_replica(selector: Callable[P, T]) -> Callable[P, T]:
    """Let a selector read from the replica where that shows everything. It must return values, not a lazy queryset.

    The selector is called a second time, on the primary, when the replica fails meanwhile.
    """

    @functools.wraps(selector)
    def read(*arguments: P.args, **options: P.kwargs) -> T:
        global _not_before  # noqa: PLW0603 - of this process: its next reads leave the replica alone
        if not _is_worth_a_try() or not _has_caught_up():
            return selector(*arguments, **options)
        token = _alias.set(REPLICA_ALIAS)
        try:
            return selector(*arguments, **options)
        except Error as error:
            _not_before = time.monotonic() + RETRY_SECONDS
            log.warning("replica_failed: %s; the primary answers", type(error).__name__)
        finally:
            _alias.reset(token)
            connections[REPLICA_ALIAS].close()
        return selector(*arguments, **options)

    return read


def _is_worth_a_try() -> bool:
    # In a transaction the replica would not show what the transaction itself has written.
    return (
        REPLICA_ALIAS in connections.settings
        and time.monotonic() >= _not_before
        and not connections[DEFAULT_DB_ALIAS].in_atomic_block
    )


def _has_caught_up() -> bool:
    """Return whether the replica shows what the primary has committed by now; wait for that a moment.

    Raises: Error when the primary can't be asked.
    """
    global _not_before  # noqa: PLW0603 - as above
    with connections[DEFAULT_DB_ALIAS].cursor() as cursor:
        cursor.execute(_PRIMARY)
        position, timeline = cursor.fetchone()
    if position is None:
        return False
    deadline = time.monotonic() + WAIT_SECONDS
    try:
        while True:
            with connections[REPLICA_ALIAS].cursor() as cursor:
                cursor.execute(_REPLICA, [position, timeline])
                is_there, is_same_line = cursor.fetchone()
            if is_there and is_same_line:
                return True
            if not is_same_line or time.monotonic() > deadline:
                break
            time.sleep(LOOK_SECONDS)
    except Error as error:
        _not_before = time.monotonic() + RETRY_SECONDS
        log.warning("replica_unusable: %s; the primary answers", type(error).__name__)
    connections[REPLICA_ALIAS].close()
    return False
