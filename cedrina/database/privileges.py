"""The privileges of the role that serves: missing ones are granted, others are revoked.

The role reads and writes all tables, except security events and the sealed trail: those it reads and inserts, events by
the parent table only. On partitions it has no privileges, so partitions that are made later need none. It owns nothing
and defines nothing.
"""

from collections import namedtuple
from collections.abc import Iterable, Iterator
from typing import Any

from django.db import connection, transaction
from psycopg import sql

from security_events.models import TRAIL_TABLES
from security_events.services.partitions import PARENT

TABLE_PRIVILEGES = frozenset({"SELECT", "INSERT", "UPDATE", "DELETE"})
APPEND_PRIVILEGES = frozenset({"SELECT", "INSERT"})
SEQUENCE_PRIVILEGES = frozenset({"USAGE", "SELECT"})
# What the owner of the tables does for the role, within bounds that each function keeps.
FUNCTIONS = (
    "security_events_make_partition(date)",
    "security_events_purge_category(text, jsonb, timestamp with time zone, uuid, integer)",
    "security_events_purge_month(date, jsonb, timestamp with time zone)",
    "security_events_prune_leaves(jsonb, timestamp with time zone, integer)",
    "security_events_continue_after_restore()",
)
READ_ONLY = ("django_migrations", "security_events_retention_")

# The relations of the schema that the current role owns, and the privileges on each that the role has by name.
_RELATIONS = """
SELECT c.relname AS name,
       c.relkind = 'S' AS is_sequence,
       c.relname = %(parent)s OR c.relname = ANY(%(trail)s) AS is_append_only,
       COALESCE(c.oid IN (SELECT relid FROM pg_partition_tree(to_regclass(%(parent)s)) WHERE level > 0), false)
           AS is_partition,
       ARRAY(SELECT privilege_type FROM aclexplode(c.relacl) WHERE grantee = %(role)s::regrole ORDER BY 1) AS granted
FROM pg_class c
WHERE c.relnamespace = current_schema()::regnamespace AND c.relkind IN ('r', 'p', 'S', 'v')
  AND pg_has_role(c.relowner, 'USAGE')
ORDER BY c.relname
"""
_SCHEMA = """
SELECT current_schema() AS name,
       ARRAY(SELECT privilege_type FROM pg_namespace, aclexplode(nspacl)
             WHERE nspname = current_schema() AND grantee = %(role)s::regrole ORDER BY 1) AS granted
"""
_FUNCTIONS = """
SELECT name,
       ARRAY(SELECT privilege_type FROM pg_proc, aclexplode(proacl)
             WHERE pg_proc.oid = to_regprocedure(name) AND grantee = %(role)s::regrole) AS granted
FROM unnest(%(functions)s::text[]) AS name WHERE to_regprocedure(name) IS NOT NULL
"""


def role_exists(role: str) -> bool:
    """Return whether the database server has this role."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT EXISTS (SELECT FROM pg_roles WHERE rolname = %s)", [role])
        return bool(cursor.fetchone()[0])


def is_current_role(role: str) -> bool:
    """Return whether this connection is by that role."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT current_user = %s", [role])
        return bool(cursor.fetchone()[0])


def adjust_privileges(*, role: str, dry_run: bool = False) -> list[str]:
    """Give the role exactly the privileges that serving needs. Return the statements, none where nothing changes.

    The owner of the tables must call it. With ``dry_run`` the statements are only returned.
    """
    with transaction.atomic(), connection.cursor() as cursor:
        statements = [statement.as_string(cursor.connection) for statement in _statements(role)]
        for statement in statements if not dry_run else ():
            cursor.execute(statement)
    return statements


def _statements(role: str) -> Iterator[sql.Composed]:
    grantee = sql.Identifier(role)
    parameters = {
        "parent": PARENT,
        "trail": list(TRAIL_TABLES),
        "role": grantee.as_string(None),
        "functions": list(FUNCTIONS),
    }
    schema = _rows(_SCHEMA, parameters)[0]
    yield from _changes(sql.SQL("SCHEMA {}").format(sql.Identifier(schema.name)), schema.granted, {"USAGE"}, grantee)
    for function in _rows(_FUNCTIONS, parameters):
        name, _, arguments = function.name.partition("(")
        named = sql.SQL("FUNCTION {}({}").format(sql.Identifier(schema.name, name), sql.SQL(arguments))
        yield from _changes(named, function.granted, {"EXECUTE"}, grantee)
    for relation in _rows(_RELATIONS, parameters):
        kind = sql.SQL("SEQUENCE {}" if relation.is_sequence else "TABLE {}")
        target = kind.format(sql.Identifier(schema.name, relation.name))
        yield from _changes(target, relation.granted, _wanted(relation), grantee)


def _rows(statement: str, parameters: dict[str, Any]) -> list[Any]:
    with connection.cursor() as cursor:
        cursor.execute(statement, parameters)
        row = namedtuple("Row", [column.name for column in cursor.description])  # type: ignore[misc]  # noqa: PYI024 - the statement names its columns
        return [row(*values) for values in cursor.fetchall()]


def _wanted(relation: Any) -> Iterable[str]:
    if relation.is_partition:
        return ()
    if relation.is_append_only:
        return APPEND_PRIVILEGES
    if relation.name.startswith(READ_ONLY):
        return ("SELECT",)  # /readyz compares migrations with those of the code; terms of retention are the owner's
    return SEQUENCE_PRIVILEGES if relation.is_sequence else TABLE_PRIVILEGES


def _changes(
    target: sql.Composed, granted: Iterable[str], wanted: Iterable[str], grantee: sql.Identifier
) -> Iterator[sql.Composed]:
    missing, excess = set(wanted) - set(granted), set(granted) - set(wanted)
    if missing:
        names = sql.SQL(", ").join(map(sql.SQL, sorted(missing)))
        yield sql.SQL("GRANT {} ON {} TO {}").format(names, target, grantee)
    if excess:
        names = sql.SQL(", ").join(map(sql.SQL, sorted(excess)))
        yield sql.SQL("REVOKE {} ON {} FROM {}").format(names, target, grantee)
