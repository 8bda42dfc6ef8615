"""Create partitions by a function that runs as the owner of the table, because the serving role owns nothing."""

from django.db import migrations

# The search path is fixed, with temporary objects last: otherwise the caller could make the function use a table of its own
# (PostgreSQL 16, "Writing SECURITY DEFINER Functions Safely"). TimeZone and DateStyle are fixed for the same reason. A
# partition inherits row triggers; TRUNCATE fires the statement triggers of the named table only, so each needs its own.
FUNCTION = """
DO $migration$ BEGIN EXECUTE format($create$
CREATE FUNCTION security_events_make_partition(month date) RETURNS boolean
LANGUAGE plpgsql SECURITY DEFINER
SET search_path = %I, pg_temp SET TimeZone = 'UTC' SET DateStyle = 'ISO, YMD' AS $body$
DECLARE
    begins CONSTANT timestamptz := date_trunc('month', month::timestamp);
    ends CONSTANT timestamptz := begins + interval '1 month';
    name CONSTANT text := 'security_events_event_' || to_char(begins, 'YYYY_MM');
BEGIN
    -- Roles other than the owner can't fill the database with tables.
    IF NOT pg_has_role(session_user, current_user, 'MEMBER')
        AND (begins < date_trunc('month', now()) OR begins > now() + interval '24 months') THEN
        RAISE EXCEPTION 'partitions are made for the coming 24 months, not for %%', month
            USING ERRCODE = 'insufficient_privilege';
    END IF;
    PERFORM pg_advisory_xact_lock(%s);
    IF EXISTS (
        SELECT FROM pg_inherits JOIN pg_class ON oid = inhrelid
        WHERE inhparent = 'security_events_event'::regclass AND relname = name
    ) THEN
        RETURN false;
    END IF;
    -- Events of the month that are in the default partition can't be moved, so the month stays there.
    IF EXISTS (SELECT FROM security_events_event_default WHERE occurred_at >= begins AND occurred_at < ends) THEN
        RETURN false;
    END IF;
    EXECUTE format(
        'CREATE TABLE %%I PARTITION OF security_events_event FOR VALUES FROM (%%L) TO (%%L)', name, begins, ends
    );
    EXECUTE format(
        'CREATE TRIGGER append_only_truncate BEFORE TRUNCATE ON %%I '
        'FOR EACH STATEMENT EXECUTE FUNCTION security_events_refuse_change()', name
    );
    EXECUTE format('ALTER TABLE %%I ENABLE ALWAYS TRIGGER append_only_truncate', name);
    RETURN true;
END $body$
$create$, current_schema(), 1589641217); END $migration$;
REVOKE ALL ON FUNCTION security_events_make_partition(date) FROM PUBLIC;
"""


class Migration(migrations.Migration):
    dependencies = [("security_events", "0002_index_of_what_is_done_to_people")]

    operations = [migrations.RunSQL(FUNCTION, "DROP FUNCTION security_events_make_partition(date);")]
