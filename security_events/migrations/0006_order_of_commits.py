"""Store the transaction of each event, so that readers see events in an order in which none comes late."""

from django.db import migrations

# Transaction ids of PostgreSQL start anew in a cluster that a dump is restored into. The offset is added to them, so
# that the numbers go on to grow; see security_events_continue_after_restore.
#
# The first two are inlined into statements; a fixed search path would prevent it.
FUNCTIONS = """
CREATE FUNCTION security_events_transaction_offset() RETURNS bigint LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
    SELECT 0::bigint
$$;
CREATE FUNCTION security_events_transaction() RETURNS bigint LANGUAGE sql STABLE PARALLEL RESTRICTED AS $$
    SELECT pg_current_xact_id()::text::bigint + security_events_transaction_offset()
$$;
-- All transactions of this database with a lower number have ended. A snapshot also lists the running transactions of
-- the cluster's other databases. These are left out: they can't write here, and one may run for hours. A transaction is
-- of another database if its lock says so; one without a lock has ended after the snapshot was taken, so it counts. Those
-- of the server's own processes, which have no role, such as autovacuum, are left out as well. On a standby, a snapshot
-- has no such list.
CREATE FUNCTION security_events_oldest_transaction() RETURNS bigint LANGUAGE sql STABLE AS $$
    SELECT security_events_transaction_offset() + CASE
        WHEN pg_is_in_recovery() THEN pg_snapshot_xmin(pg_current_snapshot())::text::bigint
        ELSE COALESCE(
            (
                SELECT min(running.xid::text::bigint) FROM pg_snapshot_xip(pg_current_snapshot()) AS running (xid)
                WHERE NOT EXISTS (
                    SELECT FROM pg_locks held JOIN pg_stat_activity backend USING (pid)
                    WHERE held.locktype = 'transactionid' AND held.granted AND held.mode = 'ExclusiveLock'
                      AND held.transactionid = running.xid::xid
                      AND (
                          backend.datid <> (SELECT oid FROM pg_database WHERE datname = current_database())
                          OR backend.usesysid IS NULL
                      )
                )
            ),
            pg_snapshot_xmax(pg_current_snapshot())::text::bigint
        )
    END
$$;
"""
DROP_FUNCTIONS = """
DROP FUNCTION security_events_oldest_transaction();
DROP FUNCTION security_events_transaction();
DROP FUNCTION security_events_transaction_offset();
"""

# A constant default is added without a new copy of the table: the events up to now belong to transaction 0.
COLUMN = """
ALTER TABLE security_events_event ADD COLUMN transaction_id bigint NOT NULL DEFAULT 0;
ALTER TABLE security_events_event ALTER COLUMN transaction_id SET DEFAULT security_events_transaction();
"""


class Migration(migrations.Migration):
    dependencies = [("security_events", "0005_indexes_for_searches_of_operators")]

    operations = [
        migrations.RunSQL(FUNCTIONS, DROP_FUNCTIONS),
        migrations.RunSQL(COLUMN, "ALTER TABLE security_events_event DROP COLUMN transaction_id;"),
    ]
