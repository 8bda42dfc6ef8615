"""What PostgreSQL knows of its load: the costliest statements, the sizes of tables, and its counters."""

import re
from typing import Any

from django.db import DatabaseError, connection, transaction

MOST_STATEMENTS = 25
_STATEMENTS = """
SELECT query, calls, round(total_exec_time::numeric, 1)::float AS total_ms,
       round(mean_exec_time::numeric, 3)::float AS mean_ms, rows, shared_blks_hit, shared_blks_read
FROM pg_stat_statements
WHERE dbid = (SELECT oid FROM pg_database WHERE datname = current_database())
      AND query ~* '^\\s*(select|with|insert|update|delete)'
ORDER BY total_exec_time DESC LIMIT %s
"""
_TABLES = """
SELECT relname AS table, n_live_tup AS rows, n_dead_tup AS dead_rows, seq_scan, idx_scan,
       pg_total_relation_size(relid) AS bytes, last_autovacuum::text, last_autoanalyze::text
FROM pg_stat_user_tables ORDER BY pg_total_relation_size(relid) DESC LIMIT 60
"""
_DATABASE = """
SELECT numbackends, xact_commit, xact_rollback, blks_read, blks_hit, deadlocks, temp_bytes, conflicts,
       pg_database_size(current_database()) AS bytes
FROM pg_stat_database WHERE datname = current_database()
"""
# pg_stat_statements replaces constants by $1, but not in statements of utilities, and not where it was switched off.
_CONSTANT = re.compile(r"'(?:[^']|'')*'|\$([A-Za-z_]*)\$.*?\$\1\$", re.DOTALL)
_COMMENT = re.compile(r"/\*.*?\*/|--[^\n]*", re.DOTALL)
_SETTINGS = (
    "max_connections",
    "shared_buffers",
    "work_mem",
    "synchronous_commit",
    "fsync",
    "wal_level",
    "statement_timeout",
    "autovacuum",
    "track_io_timing",
    "server_encoding",
)


def database_statistics() -> dict[str, Any]:
    """Return the statistics; a part that the role may not read says so."""
    return {
        "statements": statements(),
        "tables": _rows(_TABLES),
        "database": _rows(_DATABASE),
        "settings": _rows("SELECT name, setting, unit FROM pg_settings WHERE name = ANY(%s)", [list(_SETTINGS)]),
    }


def statements() -> list[dict[str, Any]] | str:
    """Return the costliest statements without their constants, or why there are none."""
    found = _rows(_STATEMENTS, [MOST_STATEMENTS])
    if isinstance(found, str):
        return f"pg_stat_statements can't be read ({found})."
    return [{**row, "query": without_constants(row["query"])} for row in found]


def without_constants(statement: str) -> str:
    """Return a statement without its constants and comments, on one line."""
    return " ".join(_CONSTANT.sub("'…'", _COMMENT.sub(" ", statement)).split())


def _rows(statement: str, parameters: list[Any] | None = None) -> list[dict[str, Any]] | str:
    try:
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute(statement, parameters)
            names = [column.name for column in cursor.description]
            return [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]
    except DatabaseError as error:
        return type(error.__cause__ or error).__name__
