"""Find privileges that the serving role should not have.

With them, an attacker who takes over a server could change or delete security events.
"""

from typing import NamedTuple

from django.db import connection

from security_events.models import TRAIL_TABLES
from security_events.services.partitions import PARENT

# The privileges of this connection's role, those by PUBLIC and by membership in other roles included. The names of the
# boolean columns are what people read: SQL's own words.
_EXCESS_PRIVILEGES = """
WITH trail AS (
    SELECT c.oid, c.relowner, %(parent)s AS name, c.relname <> %(parent)s AS is_partition FROM pg_class c
    WHERE c.oid = to_regclass(%(parent)s)
       OR c.oid IN (SELECT relid FROM pg_partition_tree(to_regclass(%(parent)s)))
    UNION ALL
    SELECT c.oid, c.relowner, c.relname, false FROM pg_class c
    WHERE c.oid IN (SELECT to_regclass(name) FROM unnest(%(trail)s::text[]) AS name)
)
SELECT current_user AS role,
       rolsuper AS is_superuser,
       ARRAY_REMOVE(ARRAY[
           CASE WHEN rolcreaterole THEN 'CREATEROLE' END,
           CASE WHEN rolcreatedb THEN 'CREATEDB' END,
           CASE WHEN rolreplication THEN 'REPLICATION' END,
           CASE WHEN rolbypassrls THEN 'BYPASSRLS' END,
           CASE WHEN EXISTS (SELECT FROM trail WHERE pg_has_role(relowner, 'MEMBER'))
                THEN 'owner of ' || %(parent)s END,
           CASE WHEN EXISTS (SELECT FROM pg_class WHERE relnamespace = current_schema()::regnamespace
                             AND pg_has_role(relowner, 'MEMBER'))
                THEN 'owner of tables' END,
           CASE WHEN has_schema_privilege(current_schema(), 'CREATE') THEN 'CREATE on schema' END,
           CASE WHEN has_database_privilege(current_database(), 'CREATE') THEN 'CREATE on database' END,
           CASE WHEN EXISTS (SELECT FROM pg_roles g WHERE g.rolname IN (
                             'pg_execute_server_program', 'pg_write_server_files', 'pg_read_server_files',
                             'pg_write_all_data', 'pg_maintain', 'pg_signal_backend', 'pg_create_subscription')
                             AND pg_has_role(g.oid, 'MEMBER'))
                THEN 'predefined roles of the server' END,
           CASE WHEN has_parameter_privilege('session_replication_role', 'SET')
                THEN 'SET session_replication_role' END
       ], NULL) AS privileges,
       ARRAY(SELECT privilege || ' on ' || name
             FROM unnest(ARRAY['UPDATE', 'DELETE', 'TRUNCATE', 'REFERENCES', 'TRIGGER']) WITH ORDINALITY
                  AS named (privilege, place), trail
             GROUP BY name, privilege, place
             HAVING bool_or(has_table_privilege(oid, privilege))
                OR privilege = 'UPDATE' AND bool_or(has_any_column_privilege(oid, 'UPDATE'))
             ORDER BY name, place)
           AS privileges_on_trail,
       CASE WHEN EXISTS (SELECT FROM trail WHERE is_partition AND has_table_privilege(oid, 'INSERT'))
            THEN ARRAY['INSERT on partitions of ' || %(parent)s] ELSE ARRAY[]::text[] END
           AS privileges_on_partitions
FROM pg_roles WHERE rolname = current_user
"""


class ServingRolePrivileges(NamedTuple):
    """The serving role, and its privileges beyond those that serving needs, in SQL's words."""

    role: str
    excess: list[str]


def read_excess_privileges() -> ServingRolePrivileges:
    """Return the privileges of this connection's role that it should not have.

    Raises: DatabaseError when the database cannot be asked.
    """
    with connection.cursor() as cursor:
        cursor.execute(_EXCESS_PRIVILEGES, {"parent": PARENT, "trail": list(TRAIL_TABLES)})
        found = dict(zip([column.name for column in cursor.description], cursor.fetchone(), strict=True))
    if found["is_superuser"]:
        return ServingRolePrivileges(found["role"], ["SUPERUSER"])  # which implies all others
    excess = [*found["privileges"], *found["privileges_on_trail"], *found["privileges_on_partitions"]]
    return ServingRolePrivileges(found["role"], excess)
