"""Read the stored hashes of the sealed trail."""

from collections.abc import Collection
from uuid import UUID

from cedrina_base.prepared_statements import prepared_cursor
from security_events.trail.tree_shape import Subtree

_HASHES = """
SELECT 0, leaf_index, hash FROM security_events_trail_leaf WHERE leaf_index = ANY(%(leaves)s::bigint[])
UNION ALL
SELECT level, position, hash
FROM unnest(%(levels)s::smallint[], %(positions)s::bigint[]) AS wanted (level, position)
JOIN security_events_trail_subtree USING (level, position)
"""
_INDEX = "SELECT min(leaf_index) FROM security_events_trail_leaf WHERE event_id = %(event_id)s"


def stored_hashes(subtrees: Collection[Subtree]) -> dict[Subtree, bytes]:
    """Return the hashes of stored subtrees and leaves (level 0). Those that don't exist are left out."""
    above = [each for each in subtrees if each.level]
    parameters = {
        "leaves": [each.position for each in subtrees if not each.level],
        "levels": [each.level for each in above],
        "positions": [each.position for each in above],
    }
    with prepared_cursor() as cursor:
        cursor.execute(_HASHES, parameters)
        return {Subtree(level, position): bytes(hash_) for level, position, hash_ in cursor.fetchall()}


def leaf_index_of(event_id: UUID) -> int | None:
    """Return the place of an event in the tree, counted from 0; ``None`` if it is not sealed."""
    with prepared_cursor() as cursor:
        cursor.execute(_INDEX, {"event_id": event_id})
        index: int | None
        (index,) = cursor.fetchone()
    return index
