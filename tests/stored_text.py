"""Everything that the database stores, as text to search in."""

from django.db import connection

_TABLES = """
SELECT c.oid::regclass::text FROM pg_class c JOIN pg_namespace n ON n.oid = relnamespace
WHERE relkind = 'r' AND nspname = 'public'
"""


def everything_stored():
    """Return all rows of all tables as text, by table, whatever tables there are."""
    with connection.cursor() as cursor:
        cursor.execute(_TABLES)
        rows = {}
        for table in [name for (name,) in cursor.fetchall()]:
            cursor.execute(f"SELECT t::text FROM {table} AS t")
            rows[table] = "\n".join(row for (row,) in cursor.fetchall())
    assert "accounts_user" in rows
    return rows


def tables_with(text):
    """Return the tables in which a text stands, in upper or lower case."""
    return sorted(table for table, rows in everything_stored().items() if text.lower() in rows.lower())


def rows_with(text):
    """Return (table, row) of each row in which a text stands, in upper or lower case."""
    return [
        (table, row)
        for table, rows in everything_stored().items()
        for row in rows.splitlines()
        if text.lower() in row.lower()
    ]
