"""Let readers of the trail look again only at transactions that may hide an event from them."""

from django.db import migrations

# Like the function without an argument, of migration 0006, which processes of the former version call while an upgrade
# runs. It counts only transactions with a number below `first_unused`, and also returns the first number that no
# transaction has yet. A reader calls it with NULL, and again with the number that this returned, while there are such
# without a lock: what begins after the first call can hide nothing that was committed before it. What was found to be of
# another database is remembered, also when it has no lock any more.
FUNCTION = """
CREATE FUNCTION security_events_leave_out_others(first_unused bigint, OUT unknown bigint, OUT next_number bigint)
LANGUAGE sql VOLATILE AS $$
    WITH running AS MATERIALIZED (
        SELECT xid, xid::text = ANY (
            string_to_array(COALESCE(current_setting('security_events.others', true), ''), ',')
        ) OR (
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
    SELECT count(*) FILTER (WHERE is_other IS NULL AND (first_unused IS NULL OR xid::text::bigint < first_unused)),
        pg_snapshot_xmax(pg_current_snapshot())::text::bigint
    FROM running, remembered
$$;
"""


class Migration(migrations.Migration):
    dependencies = [("security_events", "0017_facts_of_sign_ins_and_operators")]

    operations = [
        migrations.RunSQL(FUNCTION, "DROP FUNCTION security_events_leave_out_others(bigint);"),
    ]
