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
from django.db import connection
from django.db.backends.utils import CursorWrapper


@contextmanager
def prepared_cursor() -> Iterator[CursorWrapper]:
    """Give a cursor for statements whose text is constant, in Django's connection and its transaction."""
    connection.close_if_health_check_failed()
    connection.ensure_connection()
    with connection.wrap_database_errors:
        cursor: Any = psycopg.Cursor(connection.connection)
    wrap = connection.make_debug_cursor if connection.queries_logged else connection.make_cursor
    with wrap(cursor) as wrapped:
        yield wrapped
