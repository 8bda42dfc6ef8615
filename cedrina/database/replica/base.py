"""The database engine ``cedrina.database.replica``: connections whose failures say nothing about the primary.

The circuit breaker of the primary (cedrina/database/circuit_breaker.py) neither opens when a replica is silent, nor
keeps anybody from the replica.
"""

from typing import Any, ClassVar, TypeVar

import psycopg
from django.db.backends.postgresql import base
from psycopg.abc import PQGen
from psycopg.errors import _WaitTimeout

from cedrina.database.connection import PsycopgModule

T = TypeVar("T")


class ReplicaConnection(psycopg.Connection[Any]):
    """A connection that is closed when an answer takes longer than ``response_timeout`` seconds.

    ``None`` is no limit.
    """

    response_timeout: ClassVar[float | None] = None

    def wait(self, gen: PQGen[T], interval: float = 0.1, timeout: float | None = None) -> T:
        """Wait for the server's answer.

        Raises: OperationalError after the timeout.
        """
        try:
            return super().wait(gen, interval, self.response_timeout if timeout is None else timeout)
        except _WaitTimeout as error:
            self.close()
            raise psycopg.OperationalError("the replica did not answer in time") from error


class ReplicaModule(PsycopgModule):
    """The module ``psycopg`` as Django's backend uses it, with ``ReplicaConnection.connect`` as its ``connect``."""

    connect = staticmethod(ReplicaConnection.connect)  # type: ignore[assignment]  # of another class of connections


class DatabaseWrapper(base.DatabaseWrapper):
    """Django's connection to the replica. Django finds it by this name."""

    Database = ReplicaModule()  # type: ignore[assignment]  # it stands for the module
