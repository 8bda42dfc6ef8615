"""Which database Django's ORM asks, when there is a replica."""

from typing import Any

from cedrina_base import replica_reads

# Models of other apps are never read from the replica, not even in a selector that opted in.
READABLE_APPS = frozenset({"security_events"})


class ReplicaRouter:
    """Send the reads of ``cedrina_base.replica_reads`` to the replica; Django's default is right for all others."""

    def db_for_read(self, model: Any, **_hints: Any) -> str | None:
        """Return the alias for a read, ``None`` for Django's default."""
        return replica_reads.alias() if model._meta.app_label in READABLE_APPS else None

    def allow_relation(self, _one: Any, _other: Any, **_hints: Any) -> bool:
        """Allow relations between rows that were read from either: both are the same database."""
        return True

    def allow_migrate(self, db: str, _app_label: str, **_hints: Any) -> bool:
        """Migrate the primary alone; the replica repeats it."""
        return db != replica_reads.REPLICA_ALIAS
