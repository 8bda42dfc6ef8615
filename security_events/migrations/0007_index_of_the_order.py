"""Index the order in which events were committed, without blocking the writes of servers that run meanwhile."""

from typing import Any

from django.db import migrations

INDEX = "security_events_event_transaction_idx"
DEFINITION = "(transaction_id, id)"
PARTITIONS_WITHOUT_INDEX = """
SELECT inhrelid::regclass::text FROM pg_inherits WHERE inhparent = 'security_events_event'::regclass AND NOT EXISTS (
    SELECT FROM pg_inherits attached JOIN pg_index ON indexrelid = attached.inhrelid
    WHERE attached.inhparent = %s::regclass AND indrelid = pg_inherits.inhrelid
)
"""
INVALID = "SELECT FROM pg_index WHERE indexrelid = to_regclass(%s) AND NOT indisvalid"


def create_index(apps: Any, schema_editor: Any) -> None:
    """Index each partition beside its writers, then attach it. Safe to interrupt and to run again."""
    with schema_editor.connection.cursor() as cursor:
        cursor.execute(f"CREATE INDEX IF NOT EXISTS {INDEX} ON ONLY security_events_event {DEFINITION}")
        cursor.execute(PARTITIONS_WITHOUT_INDEX, [INDEX])
        for (partition,) in cursor.fetchall():
            index = f"{partition}_transaction_idx"
            cursor.execute(INVALID, [index])
            if cursor.fetchone() is not None:
                cursor.execute(f"DROP INDEX {index}")  # of an interrupted run
            cursor.execute(f"CREATE INDEX CONCURRENTLY IF NOT EXISTS {index} ON {partition} {DEFINITION}")
            cursor.execute(f"ALTER INDEX {INDEX} ATTACH PARTITION {index}")


def drop_index(apps: Any, schema_editor: Any) -> None:
    schema_editor.execute(f"DROP INDEX {INDEX}")


class Migration(migrations.Migration):
    atomic = False  # CREATE INDEX CONCURRENTLY
    dependencies = [("security_events", "0006_order_of_commits")]

    operations = [migrations.RunPython(create_index, drop_index)]
