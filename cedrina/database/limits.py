"""How long a server waits for its database. Commands, which may migrate for an hour, do without."""

from typing import Any

from django.db import DEFAULT_DB_ALIAS, connections

STATEMENT_MS = 10_000
LOCK_MS = 2_500
IDLE_IN_TRANSACTION_MS = 15_000


def bound_statements() -> None:
    """Let the database end what takes too long; to be called before the first connection."""
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
