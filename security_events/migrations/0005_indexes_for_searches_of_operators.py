"""Index what operators search events by, without blocking the writes of servers that run meanwhile."""

from typing import Any

from django.db import migrations

# Each holds the id as well, so that a search reads the newest events first and stops after a page.
INDEXES = {
    "session": "(session_id, id DESC) WHERE session_id IS NOT NULL",
    "family": "(family_id, id DESC) WHERE family_id IS NOT NULL",
    "address": "(ip_address, id DESC) WHERE ip_address IS NOT NULL",
    "correlation": "(correlation_id, id DESC) WHERE correlation_id <> ''",
    "pseudonym": "(actor_pseudonym, id DESC) WHERE actor_pseudonym <> ''",
    "type": "(type, id DESC)",
    "severity": "(severity, id DESC) WHERE severity IN ('medium', 'high', 'critical')",
}
PARTITIONS_WITHOUT_INDEX = """
SELECT inhrelid::regclass::text FROM pg_inherits WHERE inhparent = 'security_events_event'::regclass AND NOT EXISTS (
    SELECT FROM pg_inherits attached JOIN pg_index ON indexrelid = attached.inhrelid
    WHERE attached.inhparent = %s::regclass AND indrelid = pg_inherits.inhrelid
)
"""
INVALID = "SELECT FROM pg_index WHERE indexrelid = to_regclass(%s) AND NOT indisvalid"


def create(apps: Any, schema_editor: Any) -> None:
    """Index each partition beside its writers, then attach it. Safe to interrupt and to run again.

    A partition that is made meanwhile gets its index with it, since the index of the parent exists.
    """
    with schema_editor.connection.cursor() as cursor:
        for name, definition in INDEXES.items():
            parent = f"security_events_event_{name}_idx"
            cursor.execute(f"CREATE INDEX IF NOT EXISTS {parent} ON ONLY security_events_event {definition}")
            cursor.execute(PARTITIONS_WITHOUT_INDEX, [parent])
            for (partition,) in cursor.fetchall():
                index = f"{partition}_{name}_idx"
                cursor.execute(INVALID, [index])
                if cursor.fetchone() is not None:
                    cursor.execute(f"DROP INDEX {index}")  # of an interrupted run
                cursor.execute(f"CREATE INDEX CONCURRENTLY IF NOT EXISTS {index} ON {partition} {definition}")
                cursor.execute(f"ALTER INDEX {parent} ATTACH PARTITION {index}")


def drop(apps: Any, schema_editor: Any) -> None:
    for name in INDEXES:
        schema_editor.execute(f"DROP INDEX security_events_event_{name}_idx")


class Migration(migrations.Migration):
    atomic = False  # CREATE INDEX CONCURRENTLY
    dependencies = [("security_events", "0004_counts_of_repeated_refusals")]

    operations = [migrations.RunPython(create, drop)]
