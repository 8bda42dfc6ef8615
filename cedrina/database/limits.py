"""How long a server waits for its database. Commands, which may migrate for an hour, do without."""

from typing import Any

from django.db import DEFAULT_DB_ALIAS, connections

from cedrina.database.driver import PatientConnection

STATEMENT_MS = 5_000
PATIENCE_SECONDS = 6.0  # longer than the server's own limits, which leave the connection whole
LOCK_MS = 2_500
IDLE_IN_TRANSACTION_MS = 15_000


def bound_statements() -> None:
    """Let the database end what takes too long, and give up on one that does not; before the first connection."""
    PatientConnection.patience = PATIENCE_SECONDS
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
