"""The background worker: procrastinate's worker, restarted with exponential backoff when it loses PostgreSQL.

procrastinate's own command ends in that case, and mail would wait until an operator restarted it. A job that was
running is retried by ``operations.jobs.take_up_abandoned``, once the heartbeat of its worker is missing.
"""

import asyncio
import contextlib
import time
from collections.abc import AsyncGenerator, Awaitable, Callable
from typing import Any

import psycopg
import structlog
from asgiref.sync import sync_to_async
from django.db import DatabaseError, InterfaceError, connection
from procrastinate.contrib.django import app
from procrastinate.contrib.django.utils import connector_params
from procrastinate.exceptions import ConnectorException
from procrastinate.psycopg_connector import PsycopgConnector
from psycopg.abc import PQGen
from psycopg.errors import _WaitTimeout

from cedrina.database.circuit_breaker import circuit_breaker
from cedrina.database.connection import TimeoutConnection
from cedrina.database.faults import database_fault
from cedrina.http.problems import is_database_outage
from cedrina.operations import job_failures, job_spans
from cedrina_base import database_clock

# Statements of the queue take milliseconds. A worker that stops waits for one of them at most.
QUEUE_TIMEOUT_SECONDS = 3.0
# Statements of jobs may take long. Without a limit one that gets no answer would block the queue.
JOB_TIMEOUT_SECONDS = 60.0
# How often the connection that waits for notifications checks that the server answers.
LISTEN_TIMEOUT_SECONDS = 10.0
MAX_QUEUE_CONNECTIONS = 4
INITIAL_DELAY_SECONDS = 0.5
MAX_DELAY_SECONDS = 5.0
RESET_AFTER_SECONDS = 30.0

log = structlog.get_logger(__name__)


class QueueTimeoutConnection(psycopg.AsyncConnection[Any]):
    """A connection that closes when an answer takes longer than QUEUE_TIMEOUT_SECONDS; LISTEN has its own limit."""

    async def wait(
        self,
        gen: PQGen[Any],
        interval: float = 0.1,
        timeout: float | None = None,  # noqa: ASYNC109 - psycopg's signature
    ) -> Any:
        """Wait for the server's answer.

        Raises: OperationalError after the timeout; the connection is closed.
        """
        try:
            return await super().wait(gen, interval, QUEUE_TIMEOUT_SECONDS if timeout is None else timeout)
        except _WaitTimeout as error:
            if timeout is not None:
                raise
            self.pgconn.finish()
            raise psycopg.OperationalError("the server did not answer in time") from error

    def notifies(
        self, *, timeout: float | None = None, stop_after: int | None = None
    ) -> AsyncGenerator[psycopg.Notify, None]:
        """Wait for notifications. After LISTEN_TIMEOUT_SECONDS without one the reader checks the server."""
        return super().notifies(timeout=LISTEN_TIMEOUT_SECONDS if timeout is None else timeout, stop_after=stop_after)


async def work(*, stop: asyncio.Event, **options: Any) -> None:
    """Run jobs until ``stop`` is set. A job that runs is finished. ``options`` are those of procrastinate's worker.

    Raises: each error of the worker that is no outage of the database.
    """
    TimeoutConnection.response_timeout = JOB_TIMEOUT_SECONDS
    delay = INITIAL_DELAY_SECONDS
    while not stop.is_set():
        started = time.monotonic()
        try:
            await _work_while_connected(stop, options)
            reason = "the worker ended by itself"
        except (ConnectorException, psycopg.Error) as error:
            if not is_database_outage(error) and not is_database_outage(error.__cause__):
                raise
            # Not its message: it may have a part of the URL, and with that of a password.
            reason = database_fault(error.__cause__ or error) or type(error).__name__
        if stop.is_set():
            return
        if time.monotonic() - started > RESET_AFTER_SECONDS:
            delay = INITIAL_DELAY_SECONDS
        # The connections of the jobs may be dead, too.
        circuit_breaker.expire_connections()
        log.warning("job_worker_lost_database", reason=reason, again_in_seconds=delay)
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(stop.wait(), delay)
        delay = min(2 * delay, MAX_DELAY_SECONDS)


async def follow_clock(run: Callable[[], Awaitable[Any]], _context: Any, _worker: Any) -> Any:
    """Run a job (a worker middleware of procrastinate) by the clock of the database, not by that of this machine."""
    await sync_to_async(_compare_clocks)()
    return await run()


def _compare_clocks() -> None:
    try:
        database_clock.compare()
    except (DatabaseError, InterfaceError):
        connection.close()  # the job opens another one, and fails by itself if it can't


async def _work_while_connected(stop: asyncio.Event, options: dict[str, Any]) -> None:
    parameters = connector_params()
    # procrastinate's pool retries for a long time and hides the reason. This connection fails at once with it.
    await (await QueueTimeoutConnection.connect(**parameters)).close()
    connector = PsycopgConnector(
        kwargs=parameters,
        connection_class=QueueTimeoutConnection,
        timeout=QUEUE_TIMEOUT_SECONDS,
        min_size=1,
        max_size=MAX_QUEUE_CONNECTIONS,
    )
    with app.replace_connector(connector):
        stopping = asyncio.create_task(stop.wait())
        try:
            await connector.open_async()
            working = asyncio.create_task(
                app.run_worker_async(
                    install_signal_handlers=False,
                    worker_middleware=[job_spans.trace, job_failures.store_failure, follow_clock],
                    **options,
                )
            )
            await asyncio.wait({working, stopping}, return_when=asyncio.FIRST_COMPLETED)
            working.cancel()  # it finishes its running jobs first
            with contextlib.suppress(asyncio.CancelledError):
                await working
        finally:
            stopping.cancel()
            await connector.close_async()
