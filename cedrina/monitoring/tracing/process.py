"""Begin and end the recording of spans in a process. Off unless an OTLP endpoint is set.

The package `opentelemetry-sdk` is an extra (`cedrina[otel]`). Without an endpoint it is not imported.
"""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Any

from cedrina_base import tracing

if TYPE_CHECKING:
    from collections.abc import Mapping

    from cedrina.monitoring.tracing.recorder import Recorder

# A process that ends waits so long for the collector, then drops what it has not sent.
END_SECONDS = 2.0


class _State:
    recorder: Recorder | None = None


def start(monitoring: Mapping[str, Any], *, environment: str) -> None:
    """Record the spans of this process from now on, unless no endpoint is set.

    ``monitoring`` is the setting MONITORING. A server that forks calls this in each worker: the thread that sends does
    not survive a fork.
    """
    if not monitoring["TRACES_ENDPOINT"]:
        return
    from cedrina.monitoring.tracing import database, recorder  # noqa: PLC0415 - an extra, which most installations do not have

    _State.recorder = recorder.Recorder(
        endpoint=monitoring["TRACES_ENDPOINT"], headers=monitoring["TRACES_HEADERS"], environment=environment
    )
    tracing.record_by(_State.recorder)
    database.trace_statements()


def present_recorder() -> Recorder | None:
    """Return what records the spans of this process, if anything does."""
    return _State.recorder


def stop() -> None:
    """Send what was recorded, for END_SECONDS at most, and record no more."""
    recorder, _State.recorder = _State.recorder, None
    if recorder is None:
        return
    tracing.record_by(None)
    ending = threading.Thread(target=recorder.flush_and_stop, name="spans", daemon=True)
    ending.start()
    ending.join(END_SECONDS)
