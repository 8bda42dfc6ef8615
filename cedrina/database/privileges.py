"""What the role that serves may do: what is missing is granted, what is too much is revoked.

It reads and writes all tables, but of security events it may only read and add, and only by the parent table: on
partitions it has no rights, so those made later need none. It owns nothing and defines nothing.
"""

from collections.abc import Iterable, Iterator

from django.db import connection, transaction
from psycopg import sql

from security_events.services.partitions import PARENT

TABLE_RIGHTS = frozenset({"SELECT", "INSERT", "UPDATE", "DELETE"})
APPEND_RIGHTS = frozenset({"SELECT", "INSERT"})
SEQUENCE_RIGHTS = frozenset({"USAGE", "SELECT"})
PARTITION_FUNCTION = "security_events_make_partition(date)"

# The relations of the schema that the current role owns, what each is, and what the role is granted on it by name.
_RELATIONS = """
SELECT c.relname, c.relkind = 'S', c.relname = %(parent)s, COALESCE(c.oid IN (
           SELECT relid FROM pg_partition_tree(to_regclass(%(parent)s)) WHERE level > 0), false),
       ARRAY(SELECT privilege_type FROM aclexplode(c.relacl) WHERE grantee = %(role)s::regrole ORDER BY 1)
FROM pg_class c
WHERE c.relnamespace = current_schema()::regnamespace AND c.relkind IN ('r', 'p', 'S', 'v')
  AND pg_has_role(c.relowner, 'USAGE')
ORDER BY c.relname
"""
_SCHEMA = """
SELECT current_schema(),
       ARRAY(SELECT privilege_type FROM pg_namespace, aclexplode(nspacl)
             WHERE nspname = current_schema() AND grantee = %(role)s::regrole ORDER BY 1),
       to_regprocedure(%(function)s) IS NOT NULL,
       ARRAY(SELECT privilege_type FROM pg_proc, aclexplode(proacl)
             WHERE pg_proc.oid = to_regprocedure(%(function)s) AND grantee = %(role)s::regrole)
"""


def exists(role: str) -> bool:
    """Whether the database server knows this role."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT EXISTS (SELECT FROM pg_roles WHERE rolname = %s)", [role])
        return bool(cursor.fetchone()[0])


def is_current(role: str) -> bool:
    """Whether this connection is by that role."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT current_user = %s", [role])
        return bool(cursor.fetchone()[0])


def adjust(*, role: str, dry_run: bool = False) -> list[str]:
    """Give the role exactly the rights that serving needs; return the statements that this took.

    To be called by the owner of the tables. It changes nothing where all is as it should be.
    """
    with transaction.atomic(), connection.cursor() as cursor:
        statements = [statement.as_string(cursor.connection) for statement in _statements(role)]
        for statement in statements if not dry_run else ():
            cursor.execute(statement)
    return statements


def _statements(role: str) -> Iterator[sql.Composed]:
    grantee = sql.Identifier(role)
    with connection.cursor() as cursor:
        parameters = {"parent": PARENT, "role": grantee.as_string(None), "function": PARTITION_FUNCTION}
        cursor.execute(_SCHEMA, parameters)
        schema, on_schema, has_function, on_function = cursor.fetchone()
        cursor.execute(_RELATIONS, parameters)
        relations = cursor.fetchall()
    yield from _changes(sql.SQL("SCHEMA {}").format(sql.Identifier(schema)), set(on_schema), {"USAGE"}, grantee)
    if has_function:
        function = sql.SQL("FUNCTION {}.security_events_make_partition(date)").format(sql.Identifier(schema))
        yield from _changes(function, set(on_function), {"EXECUTE"}, grantee)
    for name, is_sequence, is_append_only, is_partition, granted in relations:
        kind = sql.SQL("SEQUENCE {}" if is_sequence else "TABLE {}")
        wanted = _wanted(name, is_sequence=is_sequence, is_append_only=is_append_only, is_partition=is_partition)
        yield from _changes(kind.format(sql.Identifier(schema, name)), set(granted), wanted, grantee)


def _wanted(name: str, *, is_sequence: bool, is_append_only: bool, is_partition: bool) -> Iterable[str]:
    if is_partition:
        return ()
    if is_append_only:
        return APPEND_RIGHTS
    if name == "django_migrations":
        return ("SELECT",)  # /readyz looks whether the schema is that of the code
    return SEQUENCE_RIGHTS if is_sequence else TABLE_RIGHTS


def _changes(
    what: sql.Composed, granted: set[str], wanted: Iterable[str], grantee: sql.Identifier
) -> Iterator[sql.Composed]:
    missing, excess = set(wanted) - granted, granted - set(wanted)
    if missing:
        rights = sql.SQL(", ").join(map(sql.SQL, sorted(missing)))
        yield sql.SQL("GRANT {} ON {} TO {}").format(rights, what, grantee)
    if excess:
        rights = sql.SQL(", ").join(map(sql.SQL, sorted(excess)))
        yield sql.SQL("REVOKE {} ON {} FROM {}").format(rights, what, grantee)
