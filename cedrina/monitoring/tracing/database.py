"""Spans of SQL statements: of those only that a request or a job waits for. What polls for itself would drown them."""

from collections.abc import Callable
from typing import Any

from django.db.backends.signals import connection_created

from cedrina.monitoring.tracing import recorder
from cedrina.monitoring.tracing.statements import describe
from cedrina_base import tracing

DATABASE = "postgresql"


def trace_statements() -> None:
    """Record the statements of all connections that this process opens from now on."""
    connection_created.connect(_on_connection, dispatch_uid="cedrina.monitoring.tracing")


def _on_connection(*, connection: Any, **_: Any) -> None:
    # For as long as the connection object lives. Django's documented `execute_wrapper()` is for one block, and a pool
    # hands connections from thread to thread. It connects again after an outage, with the same wrappers.
    if _record not in connection.execute_wrappers:
        connection.execute_wrappers.append(_record)


def _record(execute: Callable[..., Any], sql: Any, params: Any, many: bool, context: dict[str, Any]) -> Any:
    if not recorder.is_recording():
        return execute(sql, params, many, context)
    # A composed statement of psycopg holds its values, so only its kind is shown.
    statement = describe(sql) if isinstance(sql, str) else describe("")
    attributes: dict[str, tracing.Value] = {"db.system.name": DATABASE, "db.operation.name": statement.operation}
    if statement.text:
        attributes["db.query.text"] = statement.text
    with tracing.call_span(statement.operation, attributes):
        return execute(sql, params, many, context)
