"""Run frequent SQL statements as prepared statements, where the connection allows it.

PostgreSQL spends more time on planning such a statement than on running it. psycopg prepares a statement that a
connection runs often, but only if its parameters are sent apart from its text, which Django's own cursors do not do.
Behind a connection pooler that can't keep prepared statements, the option ``prepare_threshold`` of the database is not
set: then nothing is prepared, and everything else works the same.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import psycopg
from django.db import DEFAULT_DB_ALIAS, connections
from django.db.backends.utils import CursorWrapper
from psycopg.types.datetime import TimestamptzLoader


@contextmanager
def prepared_cursor() -> Iterator[CursorWrapper]:
    """Open a cursor for statements with a constant text, in Django's connection and its current transaction."""
    database = connections[DEFAULT_DB_ALIAS]  # once: django.db.connection looks for it at every use
    database.close_if_health_check_failed()
    database.ensure_connection()
    with database.wrap_database_errors:
        cursor: Any = _cursor(database)
    wrap = database.make_debug_cursor if database.queries_logged else database.make_cursor
    with wrap(cursor) as wrapped:
        yield wrapped


def _cursor(database: Any) -> psycopg.Cursor[Any]:
    cursor = psycopg.Cursor(database.connection)
    # psycopg's own loader is compiled. Django registers a subclass in Python for the time zone of the connection, which
    # this one uses, too; it takes 8 µs for each value.
    cursor.adapters.register_loader("timestamptz", TimestamptzLoader)
    return cursor
