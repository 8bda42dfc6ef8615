"""Django's PostgreSQL backend, with connections that are looked at instead of asked whether they still live."""

import select
import time
from typing import Any

from django.db.backends.postgresql import base
from psycopg import Connection, OperationalError

from cedrina.database.driver import Driver

# After somebody waited in vain for a server that does not answer at all, nobody else waits for so long.
OUTAGE_SECONDS = 1.0
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

    _outage_until = 0.0

    def is_usable(self) -> bool:
        """Look at the socket; only when something came unasked, which may be harmless, ask the server."""
        if self.connection is None:
            return False
        return is_quiet(self.connection) or super().is_usable()

    def get_new_connection(self, conn_params: dict[str, Any]) -> Any:
        """Connect, unless somebody else just waited long and in vain."""
        started = time.monotonic()
        if started < DatabaseWrapper._outage_until:
            raise OperationalError("the server did not answer a moment ago")
        try:
            return super().get_new_connection(conn_params)
        except OperationalError:
            if time.monotonic() - started > SLOW_SECONDS:
                DatabaseWrapper._outage_until = time.monotonic() + OUTAGE_SECONDS
            raise
