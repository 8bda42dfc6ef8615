"""psycopg connections with a client-side limit to the time that an answer takes.

PostgreSQL's own limits (``statement_timeout``) need a server that works. A frozen server keeps its connections open and
answers nothing; without a limit on the client's side each call would wait for it without end.
"""

import time
from typing import Any, ClassVar, TypeVar

import psycopg
from psycopg.abc import PQGen
from psycopg.errors import _WaitTimeout

from cedrina.database.circuit_breaker import circuit_breaker
from cedrina.database.error_counts import count_error

T = TypeVar("T")
_INTERVAL = 0.1  # seconds between two looks for Ctrl-C, psycopg's own default


class TimeoutConnection(psycopg.Connection[Any]):
    """A connection that is closed when an answer takes longer than ``response_timeout`` seconds.

    ``None`` is no limit. ``wait`` and ``_WaitTimeout`` are psycopg's own way to wait: psycopg has no public setting for
    this. ``tests/cedrina/database/test_library_internals.py`` fails when a release changes them.
    """

    response_timeout: ClassVar[float | None] = None

    def __init__(self, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        self.connected_at = time.monotonic()

    def wait(self, gen: PQGen[T], interval: float = _INTERVAL, timeout: float | None = None) -> T:
        """Wait for the server's answer.

        Raises: OperationalError after the timeout; the connection is closed and the circuit opened.
        """
        try:
            return super().wait(gen, interval, self.response_timeout if timeout is None else timeout)
        except _WaitTimeout as error:
            self.close()
            count_error(error)
            circuit_breaker.trip(connected_at=self.connected_at)
            raise psycopg.OperationalError("the server did not answer in time") from error
        except psycopg.Error as error:
            count_error(error)
            raise


class PsycopgModule:
    """The module ``psycopg`` as Django's backend uses it, with ``TimeoutConnection.connect`` as its ``connect``."""

    connect = staticmethod(TimeoutConnection.connect)

    def __getattr__(self, name: str) -> Any:
        return getattr(psycopg, name)
