"""Count the clients of successful sign-ins, so that the risk of a sign-in knows which clients are common.

The numbers are bounded, whatever a client sends. Only sign-ins that succeeded teach anything, at most ``MOST_A_DAY`` an
account and day, and none whose risk asked for a proof that was not given. ``prune`` halves the counts when there are
too many rows, which forgets what was seen once.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from django.db import connection, transaction

from security_events.detection.client_records import SUSPECT, client_from
from security_events.detection.commonness import digests_of

MOST_A_DAY = 20  # sign-ins of one account that are learned from, and as many suspect ones that may be later
MOST_ROWS = 500_000  # about 60 MB

_LOCK = 1589641224  # whether a value is new is decided by one process at a time

# Of sign-ins beyond the number a day, the client is forgotten. All of one batch are compared as they were inserted.
_FORGET_SURPLUS = """
UPDATE security_events_detectionfact fact SET client = NULL
WHERE fact.event_id = ANY(%(event_ids)s) AND fact.client IS NOT NULL AND %(most)s <= (
    SELECT count(*) FROM (
        SELECT FROM security_events_detectionfact earlier
        WHERE earlier.account = fact.account AND earlier.client IS NOT NULL
          AND earlier.at > fact.at - interval '1 day'
          AND (earlier.at, earlier.event_id) < (fact.at, fact.event_id)
          AND (earlier.client->'suspect' IS NULL) = (fact.client->'suspect' IS NULL)
        LIMIT %(most)s
    ) AS counted
)
RETURNING fact.event_id
"""
# A value that is new adds one to the different values of the level above.
_COUNT = """
WITH seen AS (
    SELECT * FROM unnest(%(paths)s::bytea[], %(parents)s::bytea[], %(numbers)s::bigint[]) AS seen (path, parent, number)
), children AS (
    SELECT seen.parent AS path, count(*) AS number FROM seen
    WHERE seen.parent IS NOT NULL
      AND NOT EXISTS (SELECT FROM security_events_clientcount known WHERE known.path = seen.path)
    GROUP BY seen.parent
)
INSERT INTO security_events_clientcount AS stored (path, parent, sign_ins, "distinct")
SELECT seen.path, seen.parent, seen.number, COALESCE(children.number, 0)
FROM seen LEFT JOIN children ON children.path = seen.path
ORDER BY seen.path
ON CONFLICT (path) DO UPDATE SET
    sign_ins = stored.sign_ins + excluded.sign_ins, "distinct" = stored."distinct" + excluded."distinct"
"""
_HALVE = "UPDATE security_events_clientcount SET sign_ins = sign_ins / 2"
_DELETE_RARE = "DELETE FROM security_events_clientcount WHERE sign_ins = 0"
_COUNT_DISTINCT = """
UPDATE security_events_clientcount stored SET "distinct" = COALESCE(children.number, 0)
FROM security_events_clientcount same
LEFT JOIN (
    SELECT parent, count(*) AS number FROM security_events_clientcount WHERE parent IS NOT NULL GROUP BY parent
) AS children ON children.parent = same.path
WHERE same.path = stored.path AND stored."distinct" <> COALESCE(children.number, 0)
"""


@dataclass(frozen=True, slots=True)
class SignInClient:
    """The client of a sign-in whose fact was inserted in the same transaction, as ``client_facts`` returns it."""

    event_id: UUID
    record: Mapping[str, Any]


def count(cursor: Any, clients: Sequence[SignInClient]) -> None:
    """Count the clients of a batch of sign-ins, in the caller's transaction, after their facts were inserted."""
    if not clients:
        return
    _lock(cursor)
    cursor.execute(_FORGET_SURPLUS, {"event_ids": [each.event_id for each in clients], "most": MOST_A_DAY})
    surplus = {event_id for (event_id,) in cursor.fetchall()}
    numbers: Counter[bytes] = Counter()
    parents: dict[bytes, bytes | None] = {}
    for each in clients:
        if each.event_id not in surplus and SUSPECT not in each.record:
            keys = digests_of(client_from(each.record))
            numbers.update(keys.keys())
            parents |= {digest: key.parent for digest, key in keys.items()}
    if numbers:
        cursor.execute(
            _COUNT,
            {"paths": list(numbers), "parents": [parents[key] for key in numbers], "numbers": list(numbers.values())},
        )


def prune() -> int:
    """Halve all counts until there are at most ``MOST_ROWS`` rows; return how many rows were deleted."""
    deleted = 0
    with transaction.atomic(), connection.cursor() as cursor:
        _lock(cursor)
        while _rows(cursor) > MOST_ROWS:
            cursor.execute(_HALVE)
            cursor.execute(_DELETE_RARE)
            deleted += cursor.rowcount
        if deleted:
            cursor.execute(_COUNT_DISTINCT)
    return deleted


def _lock(cursor: Any) -> None:
    cursor.execute("SELECT pg_advisory_xact_lock(%s)", [_LOCK])


def _rows(cursor: Any) -> int:
    cursor.execute("SELECT count(*) FROM security_events_clientcount")
    number: int = cursor.fetchone()[0]
    return number
