"""Django's PostgreSQL backend, with connections that are looked at instead of asked whether they still live."""

import select
import time
from typing import Any

from django.db import DEFAULT_DB_ALIAS, connections
from django.db.backends.postgresql import base
from psycopg import Connection, OperationalError

from cedrina.database.circuit_breaker import outage
from cedrina.database.connection import Driver, PatientConnection

# An attempt to connect that took so long and failed was not answered; a refusal comes at once.
SLOW_SECONDS = 1.0


def is_quiet(connection: Connection[Any]) -> bool:
    """Whether an idle connection is open and nothing waits to be read on it.

    A server says goodbye before it closes, and a closed socket reads as its end: either way there is something to read.
    That is one system call, where a statement would be a round trip.
    """
    if connection.closed:
        return False
    poll = select.poll()
    poll.register(connection.fileno(), select.POLLIN)
    return not poll.poll(0)


class DatabaseWrapper(base.DatabaseWrapper):
    """What `ENGINE = "cedrina.database"` means."""

    Database = Driver()  # type: ignore[assignment]  # it stands for the module

    _opened_at = 0.0

    def is_usable(self) -> bool:
        """Look at the socket; only when something came unasked, which may be harmless, ask the server.

        A connection from before the end of an outage is not even looked at: a network that forgot it tells nobody.
        """
        if self.connection is None or self._opened_at < outage.stale_before:
            return False
        return is_quiet(self.connection) or super().is_usable()

    def get_new_connection(self, conn_params: dict[str, Any]) -> Any:
        """Connect, unless PostgreSQL is known to be silent.

        Raises: OperationalError.
        """
        if outage.is_on:
            raise OperationalError("the server does not answer")
        started = self._opened_at = time.monotonic()
        try:
            return super().get_new_connection(conn_params)
        except OperationalError:
            if time.monotonic() - started > SLOW_SECONDS:
                outage.begin(since=started)
            raise


def reach() -> None:
    """Connect to the default database and have it answer, whatever is known of an outage.

    Raises: psycopg.Error.
    """
    parameters = connections.create_connection(DEFAULT_DB_ALIAS).get_connection_params()
    with PatientConnection.connect(**parameters) as connection:
        connection.execute("SELECT 1")
