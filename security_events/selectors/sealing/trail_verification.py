"""Read the whole sealed trail in one pass, for its verification. The caller holds one snapshot for all of it."""

from bisect import bisect_right
from collections.abc import Container, Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from django.db import connection

from security_events.event_form import EVENT_COLUMNS, event_form
from security_events.event_types import AUDIT_KEY_ROTATED, EVENTS_PURGED
from security_events.selectors.trail import START, TrailPosition

ROWS_AT_ONCE = 2_000

_LEAVES = """
SELECT leaf_index, hash, event_id::text FROM security_events_trail_leaf WHERE leaf_index >= %s ORDER BY leaf_index
"""
_EVENTS = f"""
SELECT {EVENT_COLUMNS} FROM security_events_event event
WHERE (event.transaction_id, event.id) <= (%(transaction_id)s, %(event_id)s)
ORDER BY event.transaction_id, event.id
"""  # noqa: S608 - parts of our own
_EVENT = f"SELECT {EVENT_COLUMNS} FROM security_events_event event WHERE event.id = %s"  # noqa: S608
_UNSEALED = """
SELECT count(*) FROM security_events_event event
WHERE (event.transaction_id, event.id) > (%(transaction_id)s, %(event_id)s)
"""
_CHECKPOINTS = """
SELECT checkpoint.size, checkpoint.root, checkpoint.note, checkpoint.key_id,
    -- What stands beside the note is that of its leaves, and of its last event if that is still there.
    first_leaf.event_id IS DISTINCT FROM checkpoint.events_from AND first_leaf IS NOT NULL
        OR last_leaf.event_id IS DISTINCT FROM checkpoint.events_to AND last_leaf IS NOT NULL
        OR last_event.transaction_id <> checkpoint.transaction_id
        OR EXISTS (
            SELECT FROM security_events_trail_cosignature cosignature
            WHERE cosignature.size = checkpoint.size AND NOT starts_with(line, '— ' || witness || ' ')
        ),
    ARRAY(SELECT line FROM security_events_trail_cosignature cosignature WHERE cosignature.size = checkpoint.size)
FROM (
    SELECT *, lag(size, 1, 0::bigint) OVER (ORDER BY size) AS size_before FROM security_events_trail_checkpoint
) checkpoint
LEFT JOIN security_events_trail_leaf first_leaf ON first_leaf.leaf_index = checkpoint.size_before
LEFT JOIN security_events_trail_leaf last_leaf ON last_leaf.leaf_index = checkpoint.size - 1
LEFT JOIN security_events_event last_event ON last_event.id = checkpoint.events_to
ORDER BY checkpoint.size
"""
_NEWEST = "SELECT size, transaction_id, events_to FROM security_events_trail_checkpoint ORDER BY size DESC LIMIT 1"
_LAST_LEAF = """
SELECT event.transaction_id, event.id
FROM (SELECT event_id FROM security_events_trail_leaf ORDER BY leaf_index DESC LIMIT 1) leaf
JOIN security_events_event event ON event.id = leaf.event_id
"""
# A deletion counts if an event of the trail says what it deleted. The event of an old deletion expires itself, together
# with all events of its category from that time; then the event of that newer deletion stands for it.
_PURGED = """
WITH said AS (
    SELECT data FROM security_events_event WHERE type = %(type)s
)
SELECT lower(part), upper(part)
FROM security_events_retention_purge purge, unnest(purge.leaves) AS part
WHERE EXISTS (
    SELECT FROM said
    WHERE said.data ->> 'purge' = purge.id::text AND (said.data ->> 'events')::bigint = purge.events
      AND said.data ->> 'leaves_sha256' = encode(sha256(convert_to(purge.leaves::text, 'UTF8')), 'hex')
) OR EXISTS (
    SELECT FROM said
    WHERE COALESCE(said.data ->> 'category', %(category)s) = %(category)s
      AND purge.purged_at <= (said.data ->> 'newest_at')::timestamptz
)
ORDER BY 1
"""
_COSIGNED = """
SELECT DISTINCT ON (cosignature.witness) checkpoint.note, rtrim(cosignature.line, E'\\n') || E'\\n'
FROM security_events_trail_cosignature cosignature JOIN security_events_trail_checkpoint checkpoint USING (size)
ORDER BY cosignature.witness, checkpoint.size DESC
"""
_ROTATIONS = "SELECT data ->> 'retired', (data ->> 'size')::bigint FROM security_events_event WHERE type = %s"
_LEAF_OF_EVENT = "SELECT leaf_index FROM security_events_trail_leaf WHERE event_id = %s ORDER BY leaf_index LIMIT 1"

_EVENT_OF_LEAF = "SELECT event_id FROM security_events_trail_leaf WHERE leaf_index = %s"


class LeafRanges(Container[int]):
    """Indexes of leaves, as ranges from ``begins`` up to but without ``ends``, in ascending order."""

    def __init__(self, begins: Sequence[int], ends: Sequence[int]) -> None:
        """Take ranges that don't overlap."""
        self._begins, self._ends = begins, ends

    def __contains__(self, index: object) -> bool:
        """Return whether an index lies in one of the ranges."""
        if not isinstance(index, int):
            return False
        at = bisect_right(self._begins, index) - 1
        return at >= 0 and index < self._ends[at]

    def first_gap(self, end: int) -> int | None:
        """Return the first index below ``end`` that lies in no range."""
        at = 0
        for begin, behind in zip(self._begins, self._ends, strict=True):
            if begin > at:
                break
            at = max(at, behind)
        return at if at < end else None


class StoredLeaf(NamedTuple):
    """A row of the table of leaves."""

    place: int
    hash: bytes
    event_id: str


class StoredCheckpoint(NamedTuple):
    """A row of the table of checkpoints, with its cosignatures."""

    size: int
    root: bytes
    note: str
    key_id: str
    is_row_changed: bool
    cosignatures: Sequence[str]


def begin_snapshot() -> None:
    """Let all statements of the current transaction see one state of the database, and change nothing."""
    with connection.cursor() as cursor:
        cursor.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ READ ONLY")


def stored_leaves(begin: int = 0) -> Iterator[StoredLeaf]:
    """Yield all leaves from an index on, the first one first."""
    return (StoredLeaf(row[0], bytes(row[1]), row[2]) for row in _rows(_LEAVES, [begin]))


def sealed_events(end: TrailPosition) -> Iterator[Mapping[str, Any]]:
    """Yield the forms of the events up to a position, in the order of the trail."""
    return (event_form(row) for row in _rows(_EVENTS, end._asdict()))


def stored_checkpoints() -> Iterator[StoredCheckpoint]:
    """Yield all checkpoints, the smallest first."""
    return (
        StoredCheckpoint(row[0], bytes(row[1]), row[2], row[3], bool(row[4]), row[5]) for row in _rows(_CHECKPOINTS)
    )


def sealed_until() -> tuple[int, TrailPosition]:
    """Return the size of the newest checkpoint and the position of its last event; the start before the first seal.

    The last leaf says, too, where that is: either of them may have been changed.
    """
    newest = _fetch(_NEWEST)
    if not newest:
        return 0, START
    return newest[0][0], max(TrailPosition(*row) for row in (newest[0][1:], *_fetch(_LAST_LEAF)))


def sizes_of_rotations() -> dict[str, int]:
    """Return at which size each audit key was retired, as the events of the rotations say."""
    return dict(_fetch(_ROTATIONS, [AUDIT_KEY_ROTATED.id]))


def purged_leaves() -> "LeafRanges":
    """Return the indexes of the leaves whose events retention has deleted, as far as events say so."""
    rows = _fetch(_PURGED, {"type": EVENTS_PURGED.id, "category": EVENTS_PURGED.category})
    return LeafRanges([row[0] for row in rows], [row[1] for row in rows])


def cosigned_notes() -> list[str]:
    """Return the newest checkpoint of each witness, with its cosignature."""
    return [note + line for note, line in _fetch(_COSIGNED)]


def unsealed_count(position: TrailPosition) -> int:
    """Return how many events stand behind a position."""
    count: int = _fetch(_UNSEALED, position._asdict())[0][0]
    return count


def event_by_id(event_id: str) -> Mapping[str, Any] | None:
    """Return the form of an event, wherever it stands."""
    rows = _fetch(_EVENT, [event_id])
    return event_form(rows[0]) if rows else None


def leaf_of_event(event_id: str) -> int | None:
    """Return the index of the leaf that names an event."""
    rows = _fetch(_LEAF_OF_EVENT, [event_id])
    return rows[0][0] if rows else None


def event_id_at(index: int) -> str | None:
    """Return the id of the event that a leaf names."""
    rows = _fetch(_EVENT_OF_LEAF, [index])
    return str(rows[0][0]) if rows else None


def _fetch(statement: str, parameters: Any = None) -> list[tuple[Any, ...]]:
    with connection.cursor() as cursor:
        cursor.execute(statement, parameters)
        rows: list[tuple[Any, ...]] = cursor.fetchall()
    return rows


def _rows(statement: str, parameters: Any = None) -> Iterator[tuple[Any, ...]]:
    with connection.chunked_cursor() as cursor:
        cursor.execute(statement, parameters)
        while rows := cursor.fetchmany(ROWS_AT_ONCE):
            yield from rows
