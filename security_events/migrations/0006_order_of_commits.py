"""Store the transaction of each event, so that readers see events in an order in which none comes late."""

from django.db import migrations

# Transaction ids of PostgreSQL start anew in a cluster that a dump is restored into. The offset is added to them, so
# that the numbers go on to grow; see security_events_continue_after_restore.
#
# The functions are inlined: neither fixes a search path, and each calls only what stands in this schema or pg_catalog.
FUNCTIONS = """
CREATE FUNCTION security_events_transaction_offset() RETURNS bigint LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
    SELECT 0::bigint
$$;
CREATE FUNCTION security_events_transaction() RETURNS bigint LANGUAGE sql STABLE PARALLEL RESTRICTED AS $$
    SELECT pg_current_xact_id()::text::bigint + security_events_transaction_offset()
$$;
-- All transactions with a lower number have ended.
CREATE FUNCTION security_events_oldest_transaction() RETURNS bigint LANGUAGE sql STABLE PARALLEL SAFE AS $$
    SELECT pg_snapshot_xmin(pg_current_snapshot())::text::bigint + security_events_transaction_offset()
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
