"""Count refusals that repeat within a minute, so that they don't become a flood of events.

The table is not written ahead: after a crash of PostgreSQL the counts of the last minute are gone, the events are not.
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
