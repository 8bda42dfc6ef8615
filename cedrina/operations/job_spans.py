"""Record a span for each background job, as a part of the trace of the request that has enqueued it."""

from collections.abc import Awaitable, Callable
from typing import Any

from cedrina_base import tracing

PARENT = "traceparent"  # the argument of jobs that holds the trace


async def trace(run: Callable[[], Awaitable[Any]], context: Any, _worker: Any) -> Any:
    """Run a job (a worker middleware of procrastinate). No argument of the job is recorded: some are personal."""
    job = context.job
    attributes: dict[str, tracing.Value] = {
        "messaging.system": "procrastinate",
        "messaging.operation.type": "process",
        "messaging.destination.name": job.queue,
        "cedrina.job.attempt": job.attempts + 1,
    }
    with tracing.job_span(job.task_name, attributes, parent=str(job.task_kwargs.get(PARENT, ""))):
        return await run()
