"""Read checkpoints in the order of the trail, as events are: each stands where the last event that it seals does."""

import base64
from collections.abc import Sequence
from datetime import UTC
from typing import Any

from cedrina_base.prepared_statements import prepared_cursor
from security_events.models import TrailCheckpoint
from security_events.selectors.trail import START, TrailEvent, TrailPosition

# The leaf of the event tells the size, so that the primary key leads to the next checkpoint. Otherwise, such as before
# the first one, the condition of the position finds it.
_AFTER = """
SELECT size, root, note, created_at, events_from, events_to, transaction_id FROM security_events_trail_checkpoint
WHERE size > COALESCE((SELECT leaf_index + 1 FROM security_events_trail_leaf WHERE event_id = %(event_id)s), 0)
  AND (transaction_id, events_to) > (%(transaction_id)s, %(event_id)s)
ORDER BY size LIMIT %(limit)s
"""


def checkpoints_after(position: TrailPosition, *, limit: int) -> Sequence[TrailEvent]:
    """Return the next checkpoints behind a position, the smallest first, each as an object of plain values."""
    with prepared_cursor() as cursor:
        cursor.execute(_AFTER, {**position._asdict(), "limit": limit})
        rows = cursor.fetchall()
    return [TrailEvent(TrailPosition(row[6], row[5]), _form(row[:6])) for row in rows]


def before_newest_checkpoint() -> TrailPosition:
    """Return the position behind which the newest checkpoint is the only one."""
    newest = list(TrailCheckpoint.objects.order_by("-size").values_list("transaction_id", "events_to")[:2])
    return TrailPosition(*newest[1]) if len(newest) > 1 else START


def _form(row: Sequence[Any]) -> dict[str, Any]:
    size, root, note, created_at, events_from, events_to = row
    return {
        "size": size,
        "root": base64.b64encode(root).decode(),
        "note": note,
        "created_at": created_at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ"),
        "events_from": str(events_from),
        "events_to": str(events_to),
    }
