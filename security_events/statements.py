"""Run the statements that every request needs, prepared where the connection allows it.

PostgreSQL spends more time on planning such a statement than on running it. psycopg prepares what a connection runs
often, if the parameters travel apart from the text, which Django's own cursors don't do. Where the option
``prepare_threshold`` of the database is not set, as behind a pooler that can't keep them, nothing is prepared and all
else is the same.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import psycopg
from django.db import DEFAULT_DB_ALIAS, connections
from django.db.backends.utils import CursorWrapper


@contextmanager
def prepared_cursor() -> Iterator[CursorWrapper]:
    """Give a cursor for statements whose text is constant, in Django's connection and its transaction."""
    database = connections[DEFAULT_DB_ALIAS]  # once: django.db.connection looks for it at every use
    database.close_if_health_check_failed()
    database.ensure_connection()
    with database.wrap_database_errors:
        cursor: Any = psycopg.Cursor(database.connection)
    wrap = database.make_debug_cursor if database.queries_logged else database.make_cursor
    with wrap(cursor) as wrapped:
        yield wrapped
