"""Let positions of the trail go on to grow after a dump was restored into another cluster of PostgreSQL."""

from django.db import migrations

# Transaction ids of a new cluster begin anew. An event that has a higher one than any transaction of this cluster was
# written in another one.
DETECTION = """
CREATE FUNCTION security_events_highest_transaction() RETURNS bigint LANGUAGE sql STABLE AS $$
    SELECT COALESCE(GREATEST(
        (SELECT max(transaction_id) FROM security_events_event),
        (SELECT transaction_id FROM security_events_trail_checkpoint ORDER BY size DESC LIMIT 1)
    ), 0)
$$;
CREATE FUNCTION security_events_was_restored() RETURNS boolean LANGUAGE sql STABLE AS $$
    SELECT NOT pg_is_in_recovery() AND security_events_highest_transaction() >=
        pg_snapshot_xmax(pg_current_snapshot())::text::bigint + security_events_transaction_offset()
$$;
"""
DROP_DETECTION = """
DROP FUNCTION security_events_was_restored();
DROP FUNCTION security_events_highest_transaction();
"""

# Writers wait meanwhile. One that has a transaction id already, and waits, writes behind all others as well: the offset is
# made for the oldest transaction that runs, and for the oldest of the events below.
#
# Events that were recorded here since the restore stand among those from before it, where nobody looks for new ones. Their
# column says the transaction by which PostgreSQL says they were written (xmin), and they have no leaf.
CONTINUE = """
CREATE FUNCTION security_events_continue_after_restore(OUT added bigint, OUT moved bigint)
LANGUAGE plpgsql SECURITY DEFINER SET search_path = %1$I, pg_temp AS $body$
DECLARE
    former bigint;
    late uuid[];
    oldest bigint;
BEGIN
    IF NOT security_events_was_restored() THEN
        RETURN;
    END IF;
    LOCK TABLE security_events_event IN SHARE ROW EXCLUSIVE MODE;
    IF NOT security_events_was_restored() THEN
        RETURN;
    END IF;
    former := security_events_transaction_offset();
    oldest := pg_snapshot_xmin(pg_current_snapshot())::text::bigint;
    SELECT array_agg(event.id), LEAST(oldest, min(event.transaction_id) - former) INTO late, oldest
    FROM security_events_event event
    WHERE event.transaction_id < pg_snapshot_xmax(pg_current_snapshot())::text::bigint + former
      AND event.transaction_id = event.xmin::text::bigint + former
      AND NOT EXISTS (SELECT FROM security_events_trail_leaf WHERE event_id = event.id);
    added := security_events_highest_transaction() + 1 - oldest - former;
    INSERT INTO security_events_retention_permit VALUES (pg_current_xact_id());
    UPDATE security_events_event event SET transaction_id = event.transaction_id + added
    FROM unnest(late) AS moving (id) WHERE event.id = moving.id;
    GET DIAGNOSTICS moved = ROW_COUNT;
    DELETE FROM security_events_retention_permit;
    EXECUTE format(
        'CREATE OR REPLACE FUNCTION %%I.security_events_transaction_offset() RETURNS bigint '
        'LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $offset$ SELECT %%s::bigint $offset$', %1$L, former + added
    );
END $body$
"""
SIGNATURE = "security_events_continue_after_restore()"


class Migration(migrations.Migration):
    dependencies = [("security_events", "0011_retention")]

    operations = [
        migrations.RunSQL(DETECTION, DROP_DETECTION),
        migrations.RunSQL(
            f"DO $migration$ BEGIN EXECUTE format($create$ {CONTINUE} $create$, current_schema()); END $migration$; "
            f"REVOKE ALL ON FUNCTION {SIGNATURE} FROM PUBLIC;",
            f"DROP FUNCTION {SIGNATURE};",
        ),
    ]
