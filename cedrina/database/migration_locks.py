"""Let a migration give up soon when it waits for a lock, and try again.

A statement that waits for an exclusive lock of a table lets all others wait behind it: a long report would stop all
sign-ins until it ends. With ``lock_timeout`` they wait for ``LOCK_TIMEOUT_MS`` at most, less than callers wait for
(STATEMENT_TIMEOUT_MS), and the migration begins anew after a pause. It is a transaction, so nothing is half done.
"""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, TypeVar

import psycopg
from django.db import OperationalError, connection

LOCK_TIMEOUT_MS = 1_000
ATTEMPTS = 60
PAUSE_SECONDS = 1.0

T = TypeVar("T")


@contextmanager
def short_waits_for_locks() -> Iterator[None]:
    """Limit how long statements of the default connection wait for locks.

    Those with CONCURRENTLY are not limited: others go on while they wait, and giving up would leave an invalid index.
    """

    def limited(execute: Any, sql: Any, params: Any, many: bool, context: Any) -> Any:
        if "CONCURRENTLY" not in str(sql):
            return execute(sql, params, many, context)
        execute("SET lock_timeout = 0", None, False, context)
        try:
            return execute(sql, params, many, context)
        finally:
            execute(f"SET lock_timeout = {LOCK_TIMEOUT_MS}", None, False, context)

    with connection.cursor() as cursor:
        cursor.execute(f"SET lock_timeout = {LOCK_TIMEOUT_MS}")
    try:
        with connection.execute_wrapper(limited):
            yield
    finally:
        if connection.connection is not None and not connection.connection.closed:
            with connection.cursor() as cursor:
                cursor.execute("RESET lock_timeout")


def until_locks_are_free(act: Callable[[], T], *, waiting: Callable[[int], None]) -> T:
    """Return what ``act`` returns; repeat it while it fails for a lock. ``waiting`` is told how often it has failed.

    Raises: OperationalError after ATTEMPTS, and each other error at once.
    """
    for attempt in range(1, ATTEMPTS + 1):
        try:
            with short_waits_for_locks():
                return act()
        except OperationalError as error:
            if attempt == ATTEMPTS or not isinstance(error.__cause__, psycopg.errors.LockNotAvailable):
                raise
        waiting(attempt)
        time.sleep(PAUSE_SECONDS)
    raise AssertionError  # the last attempt has returned or raised
