"""Reads."""

from collections.abc import Sequence
from uuid import UUID

from django.db import connection

from security_events.models import SecurityEvent

# Two walks down an index each that end at the limit, merged: what somebody did, and what was done to them by others.
# One condition with OR would read and sort everything that ever happened to them.
_PAGE = """
SELECT {columns} FROM (
    (SELECT * FROM {table} WHERE actor_id = %(subject)s AND actor_id <> '' {before} ORDER BY id DESC LIMIT %(limit)s)
    UNION ALL
    (SELECT * FROM {table} WHERE target_id = %(subject)s AND target_id <> '' AND target_id <> actor_id {before}
     ORDER BY id DESC LIMIT %(limit)s)
) AS found ORDER BY id DESC LIMIT %(limit)s
"""


def events_about(*, subject_id: str, before: UUID | None = None, limit: int) -> Sequence[SecurityEvent]:
    """Return the latest events in which somebody acts or is acted upon, older than ``before``, newest first."""
    sql, parameters = events_about_statement(subject_id=subject_id, before=before, limit=limit)
    return list(SecurityEvent.objects.raw(sql, parameters))


def events_about_statement(*, subject_id: str, before: UUID | None = None, limit: int) -> tuple[str, dict[str, object]]:
    """Return the statement behind :func:`events_about` and its parameters, so that its plan can be looked at."""
    meta = SecurityEvent._meta
    sql = _PAGE.format(
        table=connection.ops.quote_name(meta.db_table),
        columns=", ".join(connection.ops.quote_name(str(field.column)) for field in meta.concrete_fields),
        before="" if before is None else "AND id < %(before)s",
    )
    return sql, {"subject": subject_id, "limit": limit, "before": before}
