"""Create the table that counts refusals of a minute, for deduplication.

It is UNLOGGED: a crash of PostgreSQL loses the counts of the last minute, but no events.
"""

from django.db import migrations

TABLE = """
CREATE UNLOGGED TABLE security_events_minutecount (
    key bytea NOT NULL,
    minute timestamptz NOT NULL,
    number integer NOT NULL,
    event_id uuid,
    network inet,
    PRIMARY KEY (minute, key)
);
"""


class Migration(migrations.Migration):
    dependencies = [("security_events", "0003_partitions_by_a_function_of_their_owner")]

    operations = [migrations.RunSQL(TABLE, "DROP TABLE security_events_minutecount;")]
