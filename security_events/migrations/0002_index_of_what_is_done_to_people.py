"""Index the targets of events, except where the target is also the actor: the index of actors finds those, most events."""

from django.db import migrations

INDEX = """
CREATE INDEX security_events_event_target_idx ON security_events_event (target_id, id DESC)
    WHERE target_id <> '' AND target_id <> actor_id;
"""


class Migration(migrations.Migration):
    dependencies = [("security_events", "0001_append_only_events")]

    operations = [migrations.RunSQL(INDEX, "DROP INDEX security_events_event_target_idx;")]
