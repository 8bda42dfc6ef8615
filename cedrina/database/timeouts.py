"""The time limits of a server's database statements. Management commands have none: a migration may take an hour."""

from typing import Any

from django.db import DEFAULT_DB_ALIAS, connections

from cedrina.database.base import probe_database
from cedrina.database.circuit_breaker import circuit_breaker
from cedrina.database.connection import TimeoutConnection
from cedrina.database.replica.base import ReplicaConnection
from cedrina_base.replica_reads import REPLICA_ALIAS

# Callers get a 503 within three seconds. The limits that PostgreSQL observes are shorter than RESPONSE_TIMEOUT_SECONDS,
# because they leave the connection usable. RESPONSE_TIMEOUT_SECONDS is for a server that does not answer at all.
STATEMENT_TIMEOUT_MS = 2_000
RESPONSE_TIMEOUT_SECONDS = 2.4
LOCK_TIMEOUT_MS = 1_500
IDLE_IN_TRANSACTION_TIMEOUT_MS = 15_000


def set_timeouts() -> None:
    """Set the limits of all connections to the default database. Call it before the first connection."""
    TimeoutConnection.response_timeout = RESPONSE_TIMEOUT_SECONDS
    circuit_breaker.set_probe(probe_database)
    add_timeouts(connections.settings[DEFAULT_DB_ALIAS].setdefault("OPTIONS", {}))
    if REPLICA_ALIAS in connections.settings:
        ReplicaConnection.response_timeout = RESPONSE_TIMEOUT_SECONDS
        add_timeouts(connections.settings[REPLICA_ALIAS].setdefault("OPTIONS", {}))


def add_timeouts(options: dict[str, Any]) -> None:
    """Add PostgreSQL's limits to the connection parameters ``options``."""
    limits = {
        "statement_timeout": STATEMENT_TIMEOUT_MS,
        "lock_timeout": LOCK_TIMEOUT_MS,
        "idle_in_transaction_session_timeout": IDLE_IN_TRANSACTION_TIMEOUT_MS,
    }
    given = options.get("options", "")
    options["options"] = " ".join([*(f"-c {name}={value}" for name, value in limits.items()), given]).strip()
