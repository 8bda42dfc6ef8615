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
-- Remember, for the session, which running transactions can't write here, and return how many have no lock: they are
-- just beginning, or have just ended. A reader calls it in a statement of its own before it reads, again while there are
-- such. So it knows what ends between its snapshot and its look at the locks; that would count as a transaction of this
-- database, and hide until the next read what was committed after it began. Numbers are never used again, so an old list
-- does no harm.
CREATE FUNCTION security_events_leave_out_others() RETURNS bigint LANGUAGE sql VOLATILE AS $$
    WITH running AS MATERIALIZED (
        SELECT xid, (
            SELECT backend.usesysid IS NULL
                OR backend.datid <> (SELECT oid FROM pg_database WHERE datname = current_database())
            FROM pg_locks held JOIN pg_stat_activity backend USING (pid)
            WHERE held.locktype = 'transactionid' AND held.granted AND held.mode = 'ExclusiveLock'
              AND held.transactionid = xid::xid
            LIMIT 1
        ) AS is_other
        FROM pg_snapshot_xip(pg_current_snapshot()) AS found (xid)
    ), remembered AS MATERIALIZED (
        SELECT set_config(
            'security_events.others', COALESCE(string_agg(xid::text, ',') FILTER (WHERE is_other), ''), false
        ) FROM running
    )
    SELECT count(*) FILTER (WHERE is_other IS NULL) FROM running, remembered
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
                WHERE running.xid::text <> ALL (
                    string_to_array(COALESCE(current_setting('security_events.others', true), ''), ',')
                ) AND NOT EXISTS (
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
DROP FUNCTION security_events_leave_out_others();
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
