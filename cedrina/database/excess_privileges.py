"""Rights that the serving role should not have: with them, whoever takes over a server could rewrite the trail."""

from typing import NamedTuple

from django.db import connection

from security_events.services.partitions import PARENT

# One statement, for the role of this connection. What comes by PUBLIC or by another role's membership counts too.
_LOOK = """
WITH trail AS (
    SELECT c.oid, c.relowner, c.relname <> %(parent)s AS is_partition FROM pg_class c
    WHERE c.oid = to_regclass(%(parent)s)
       OR c.oid IN (SELECT relid FROM pg_partition_tree(to_regclass(%(parent)s)))
)
SELECT current_user,
       rolsuper, rolcreaterole, rolcreatedb, rolreplication, rolbypassrls,
       EXISTS (SELECT FROM trail WHERE pg_has_role(relowner, 'MEMBER')),
       EXISTS (SELECT FROM pg_class WHERE relnamespace = current_schema()::regnamespace
               AND pg_has_role(relowner, 'MEMBER')),
       has_schema_privilege(current_schema(), 'CREATE'),
       has_database_privilege(current_database(), 'CREATE'),
       EXISTS (SELECT FROM pg_roles g WHERE g.rolname IN (
           'pg_execute_server_program', 'pg_write_server_files', 'pg_read_server_files', 'pg_write_all_data',
           'pg_maintain', 'pg_signal_backend', 'pg_create_subscription') AND pg_has_role(g.oid, 'MEMBER')),
       has_parameter_privilege('session_replication_role', 'SET'),
       ARRAY(SELECT right_name FROM unnest(ARRAY['UPDATE', 'DELETE', 'TRUNCATE', 'REFERENCES', 'TRIGGER']) right_name
             WHERE EXISTS (SELECT FROM trail WHERE has_table_privilege(oid, right_name))
                OR right_name = 'UPDATE' AND EXISTS (SELECT FROM trail WHERE has_any_column_privilege(oid, 'UPDATE'))),
       EXISTS (SELECT FROM trail WHERE is_partition AND has_table_privilege(oid, 'INSERT'))
FROM pg_roles WHERE rolname = current_user
"""
_NAMES = (
    "CREATEROLE",
    "CREATEDB",
    "REPLICATION",
    "BYPASSRLS",
    f"owner of {PARENT}",
    "owner of tables",
    "CREATE on schema",
    "CREATE on database",
    "predefined roles of the server",
    "SET session_replication_role",
)


class Look(NamedTuple):
    """The serving role, and what it may do beyond serving, in SQL's words."""

    role: str
    rights: list[str]


def look() -> Look:
    """Return what the role of this connection may do too much.

    Raises: DatabaseError when the database can't be asked.
    """
    with connection.cursor() as cursor:
        cursor.execute(_LOOK, {"parent": PARENT})
        role, is_superuser, *flags, on_trail, inserts = cursor.fetchone()
    if is_superuser:
        return Look(role, ["SUPERUSER"])  # which implies all others
    rights = [name for name, is_true in zip(_NAMES, flags, strict=True) if is_true]
    rights += [f"{right} on {PARENT}" for right in on_trail]
    return Look(role, rights + [f"INSERT on partitions of {PARENT}"] * inserts)
