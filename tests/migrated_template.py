"""One migration a run: the test database of the worker that comes first is copied for the others.

To migrate takes five seconds of CPU, to copy a tenth of a second.
"""

import contextlib
import fcntl

import psycopg
from psycopg import sql

from tests.programs import served


def name_of(run):
    return f"test_template_{run[:12]}"


class MigratedTemplate:
    """The database that a run's workers copy, on the server of ``url``. ``lock`` is a file that they have in common."""

    def __init__(self, url, run, lock):
        self.url, self.name = url, name_of(run)
        self._lock = lock.open("a")

    def is_there(self):
        """Return whether it can be copied. Who is told that it can't makes it; the others wait for its ``keep``."""
        fcntl.flock(self._lock, fcntl.LOCK_EX)
        with served.maintenance(self.url) as connection:
            found = connection.execute("SELECT FROM pg_database WHERE datname = %s", [self.name]).fetchone()
        if found is not None:
            self._lock.close()
        return found is not None

    def keep(self, connection):
        """Copy the database of a connection of Django's, unless it is a copy itself."""
        if self._lock.closed:
            return
        source = connection.settings_dict["NAME"]
        connection.close()  # nobody may be connected to what is copied
        with served.maintenance(self.url) as server:
            server.execute(
                sql.SQL("CREATE DATABASE {} TEMPLATE {}").format(sql.Identifier(self.name), sql.Identifier(source))
            )
        self._lock.close()


def drop(url, run):
    """Remove it from a server that outlives the run."""
    with contextlib.suppress(psycopg.OperationalError), served.maintenance(url) as connection:
        connection.execute(sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(sql.Identifier(name_of(run))))
