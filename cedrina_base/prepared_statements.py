"""Run frequent SQL statements as prepared statements, where the connection allows it.

PostgreSQL spends more time on planning such a statement than on running it. psycopg prepares a statement that a
connection runs often, but only if its parameters are sent apart from its text, which Django's own cursors do not do.
Behind a connection pooler that can't keep prepared statements, the option ``prepare_threshold`` of the database is not
set: then nothing is prepared, and everything else works the same.

``run_frequent`` is for the few statements that nearly each call runs: their cursors are kept, so that psycopg looks for
the loader of each column once for a connection and not at each call.
"""

from collections.abc import Iterator, Mapping
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


def run_frequent(statement: str, parameters: Mapping[str, Any]) -> list[tuple[Any, ...]]:
    """Run a statement that is run very often, and return all its rows.

    The cursor is kept for the connection, and with it the last result: call this with few texts whose results are
    small. They are constants, because psycopg compares texts by identity.
    """
    database = connections[DEFAULT_DB_ALIAS]
    database.close_if_health_check_failed()
    database.ensure_connection()
    cursor = _kept_cursor(database, statement)
    wrap = database.make_debug_cursor if database.queries_logged else database.make_cursor
    wrap(cursor).execute(statement, parameters)  # Django's wrapper of a cursor: it checks, counts and converts errors
    with database.wrap_database_errors:
        rows: list[tuple[Any, ...]] = cursor.fetchall()
    return rows


def _kept_cursor(database: Any, statement: str) -> Any:
    """Return this connection's cursor for a statement. The kept ones go with the connection that they belong to."""
    connection, cursors = getattr(database, _KEPT, (None, None))
    if cursors is None or connection is not database.connection:
        cursors = {}
        setattr(database, _KEPT, (database.connection, cursors))
    cursor = cursors.get(statement)
    if cursor is None:
        with database.wrap_database_errors:
            cursor = cursors[statement] = _cursor(database)
    return cursor


_KEPT = "cedrina_kept_cursors"  # our attribute of Django's connection


def _cursor(database: Any) -> psycopg.Cursor[Any]:
    cursor = psycopg.Cursor(database.connection)
    # psycopg's own loader is compiled. Django registers a subclass in Python for the time zone of the connection, which
    # this one uses, too; it takes 8 µs for each value.
    cursor.adapters.register_loader("timestamptz", TimestamptzLoader)
    return cursor
