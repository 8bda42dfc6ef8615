"""How long a server waits for its database. Commands, which may migrate for an hour, do without."""

from typing import Any

from django.db import DEFAULT_DB_ALIAS, connections

from cedrina.database.base import reach
from cedrina.database.circuit_breaker import outage
from cedrina.database.connection import PatientConnection

# Callers get their 503 within three seconds. PostgreSQL's own limits come first: they leave the connection whole. The
# longest, PATIENCE_SECONDS, is for a server that is not there to observe them, and leaves time to build the answer.
STATEMENT_MS = 2_000
PATIENCE_SECONDS = 2.4
LOCK_MS = 1_500
IDLE_IN_TRANSACTION_MS = 15_000


def bound_statements() -> None:
    """Let the database end what takes too long, and give up on one that does not; before the first connection."""
    PatientConnection.patience = PATIENCE_SECONDS
    outage.watch(reach)
    add_to(connections.settings[DEFAULT_DB_ALIAS].setdefault("OPTIONS", {}))


def add_to(options: dict[str, Any]) -> None:
    """Add the limits to the parameters that connections are opened with."""
    limits = {
        "statement_timeout": STATEMENT_MS,
        "lock_timeout": LOCK_MS,
        "idle_in_transaction_session_timeout": IDLE_IN_TRANSACTION_MS,
    }
    given = options.get("options", "")
    options["options"] = " ".join([*(f"-c {name}={value}" for name, value in limits.items()), given]).strip()
