"""Count wrong tries of second factors, and stop looking at them for a while.

Each factor of each person has a pool of its own: who is locked out of one can show another. A try is counted before
it is looked at, by one statement, so that a hundred simultaneous ones get no further than a hundred in a row.
"""

import math
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from django.db import connection

from accounts.errors import AttemptsExhausted
from accounts.models import FactorAttempts

MOST_FAILURES = 5
# Only a right answer or a whole day without a wrong one starts the count anew, so that slow guessing is counted too.
WINDOW = timedelta(days=1)
FIRST_LOCK = timedelta(minutes=15)
LONGEST_LOCK = timedelta(days=1)
# After this long without a lock the next one is a first one again.
FORGIVEN_AFTER = timedelta(days=7)
_MOST_DOUBLINGS = 7  # 15 minutes become more than a day

_CLAIM = """
WITH clock AS (
    SELECT COALESCE(%(now)s::timestamptz, statement_timestamp()) AS now
)
INSERT INTO accounts_factorattempts AS pool (user_id, factor, failures, began_at, locks, locked_until)
SELECT %(user_id)s, %(factor)s, 1, now, 0, NULL FROM clock
ON CONFLICT (user_id, factor) DO UPDATE SET (failures, began_at, locks, locked_until) = (
    SELECT CASE WHEN is_last THEN 0 ELSE tried END,
           CASE WHEN tried = 1 THEN EXCLUDED.began_at ELSE pool.began_at END,
           CASE WHEN is_last THEN before + 1 ELSE before END,
           CASE WHEN is_last
                THEN EXCLUDED.began_at + LEAST(%(first)s * 2 ^ LEAST(before, %(doublings)s), %(longest)s)
                ELSE pool.locked_until END
    FROM (
        SELECT tried, tried >= %(most)s AS is_last,
               CASE WHEN pool.locked_until < EXCLUDED.began_at - %(forgiven)s THEN 0 ELSE pool.locks END AS before
        FROM (
            SELECT CASE WHEN pool.failures = 0 OR pool.began_at <= EXCLUDED.began_at - %(window)s
                        THEN 1 ELSE pool.failures + 1 END AS tried
        ) AS counted
    ) AS decided
)
WHERE pool.locked_until IS NULL OR pool.locked_until <= EXCLUDED.began_at
RETURNING CASE WHEN locked_until > (SELECT now FROM clock) THEN locked_until END
"""
_SECONDS_LEFT = """
SELECT EXTRACT(EPOCH FROM locked_until - COALESCE(%(now)s::timestamptz, statement_timestamp()))
FROM accounts_factorattempts WHERE user_id = %(user_id)s AND factor = %(factor)s
"""


@dataclass(frozen=True, slots=True)
class Attempt:
    """A try that may be looked at; ``locked_until`` is set if it was the last one, should it fail."""

    user_id: UUID
    factor: str
    locked_until: datetime | None


def claim(*, user_id: UUID, factor: str, now: datetime | None = None) -> Attempt:
    """Count a try as a failure before it is looked at; ``forgive`` takes that back.

    Call it outside of a transaction that may be rolled back.

    Raises: AttemptsExhausted.
    """
    parameters: dict[str, Any] = {"user_id": user_id, "factor": factor, "now": now}
    limits: dict[str, Any] = {
        "most": MOST_FAILURES, "window": WINDOW, "first": FIRST_LOCK, "longest": LONGEST_LOCK,
        "forgiven": FORGIVEN_AFTER, "doublings": _MOST_DOUBLINGS,
    }  # fmt: skip
    with connection.cursor() as cursor:
        cursor.execute(_CLAIM, {**parameters, **limits})
        row = cursor.fetchone()
        if row is None:
            cursor.execute(_SECONDS_LEFT, parameters)
            left = cursor.fetchone()
            raise AttemptsExhausted(retry_after=max(1, math.ceil(left[0] or 0)) if left else 1)
    return Attempt(user_id=user_id, factor=factor, locked_until=row[0])


def forgive(*, user_id: UUID, factor: str) -> None:
    """Start a count anew, because the right answer came."""
    FactorAttempts.objects.filter(user_id=user_id, factor=factor).update(failures=0, locks=0, locked_until=None)
