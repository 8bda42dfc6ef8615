"""The database engine ``cedrina.database``: Django's PostgreSQL backend, which checks connections without a statement.

Django's health check asks the server with a statement before each use; this one reads the state of the socket.
"""

import select
import time
from typing import Any

from django.db import DEFAULT_DB_ALIAS, connections
from django.db.backends.postgresql import base
from psycopg import Connection, OperationalError

from cedrina.database.circuit_breaker import circuit_breaker
from cedrina.database.connection import PsycopgModule, TimeoutConnection
from cedrina.database.error_counts import CIRCUIT_OPEN, CONNECTION, ERRORS

# A connection attempt that fails after this time got no answer. A refused one fails at once.
SLOW_CONNECT_SECONDS = 1.0


def has_nothing_to_read(connection: Connection[Any]) -> bool:
    """Return whether an idle connection is open and no data waits on its socket.

    PostgreSQL sends a message before it closes a connection, and a closed socket is readable: in both cases there is
    something to read. This is one system call, where a statement would be a round trip.
    """
    if connection.closed:
        return False
    poll = select.poll()
    poll.register(connection.fileno(), select.POLLIN)
    return not poll.poll(0)


class DatabaseWrapper(base.DatabaseWrapper):
    """Django's connection, with the checks of this module. Django finds it by this name."""

    Database = PsycopgModule()  # type: ignore[assignment]  # it stands for the module

    _connected_at = 0.0

    def is_usable(self) -> bool:
        """Return whether the connection can be used.

        A connection from before the end of an outage is not: the network may have dropped it without a notice. For
        other connections the socket is read. Data on it may be harmless, such as a notice; then the server is asked.
        """
        if self.connection is None or self._connected_at < circuit_breaker.connections_valid_since:
            return False
        return has_nothing_to_read(self.connection) or super().is_usable()

    def get_new_connection(self, conn_params: dict[str, Any]) -> Any:
        """Connect, unless the circuit is open.

        Raises: OperationalError.
        """
        if circuit_breaker.is_open:
            ERRORS.count(CIRCUIT_OPEN)
            raise OperationalError("the server does not answer")
        started = self._connected_at = time.monotonic()
        try:
            return super().get_new_connection(conn_params)
        except OperationalError:
            ERRORS.count(CONNECTION)
            if time.monotonic() - started > SLOW_CONNECT_SECONDS:
                circuit_breaker.trip(connected_at=started)
            raise


def probe_database() -> None:
    """Connect to the default database and run a statement, whether the circuit is open or not.

    Raises: psycopg.Error.
    """
    parameters = connections.create_connection(DEFAULT_DB_ALIAS).get_connection_params()
    with TimeoutConnection.connect(**parameters) as connection:
        connection.execute("SELECT 1")
