"""psycopg, with a limit of this side's own to how long a statement may take.

The server's limits need a server that works. One that is frozen keeps its connections open and answers nothing; without
a limit here, each call would wait for it for ever.
"""

import time
from typing import Any, ClassVar, TypeVar

import psycopg
from psycopg.abc import PQGen
from psycopg.errors import _WaitTimeout

from cedrina.database.circuit_breaker import outage

T = TypeVar("T")
_INTERVAL = 0.1  # seconds between looks for Ctrl-C, psycopg's own default


class PatientConnection(psycopg.Connection[Any]):
    """Gives itself up when an answer takes longer than ``patience`` seconds; ``None`` waits for ever."""

    patience: ClassVar[float | None] = None

    def __init__(self, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        self.opened_at = time.monotonic()

    def wait(self, gen: PQGen[T], interval: float = _INTERVAL, timeout: float | None = None) -> T:
        """Wait for the server.

        Raises: OperationalError when it took too long; the connection is closed then, and an outage begins.
        """
        try:
            return super().wait(gen, interval, self.patience if timeout is None else timeout)
        except _WaitTimeout as error:
            self.close()
            outage.begin(since=self.opened_at)
            raise psycopg.OperationalError("the server did not answer in time") from error


class Driver:
    """The module as Django's backend knows it, but for the class of its connections."""

    connect = staticmethod(PatientConnection.connect)

    def __getattr__(self, name: str) -> Any:
        return getattr(psycopg, name)
