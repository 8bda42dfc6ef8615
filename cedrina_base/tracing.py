"""Spans around calls of other systems, and the trace that a job carries on, whatever backend records them.

A project installs a backend by ``record_by``; without one, a span costs a call and records nothing. Names and values of
attributes are names of the code, numbers, and names of machines that an operator has chosen: never a path, an address
of a client, a user, a parameter, or another text of a request. The names are those of OpenTelemetry's semantic
conventions.
"""

from __future__ import annotations

from contextlib import nullcontext
from enum import Enum
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Mapping
    from contextlib import AbstractContextManager

Value = str | int


class SpanKind(Enum):
    """Which side of a call a span shows (OpenTelemetry, Trace API, SpanKind)."""

    SERVER = "server"
    CLIENT = "client"
    CONSUMER = "consumer"


class Span(Protocol):
    """A piece of work that has begun. An error that ends it is recorded by its class alone."""

    def set(self, name: str, value: Value) -> None:
        """Add an attribute."""


class TracingBackend(Protocol):
    """What records spans."""

    def span(
        self, name: str, kind: SpanKind, attributes: Mapping[str, Value], *, parent: str = ""
    ) -> AbstractContextManager[Span]:
        """Record a span from the beginning of a ``with`` block to its end.

        A call is a part of the present span. All others begin anew, or go on with the trace that ``parent`` names.
        """

    def traceparent(self) -> str:
        """Return the trace of this moment in the form of a header (W3C Trace Context, 3.2), empty if there is none."""


class _NoSpan:
    """Records nothing, while no backend is installed."""

    def set(self, name: str, value: Value) -> None:
        pass


_NOTHING: AbstractContextManager[Span] = nullcontext(_NoSpan())
_backend: TracingBackend | None = None


def record_by(backend: TracingBackend | None) -> None:
    """Let a backend record the spans of this process from now on. ``None`` takes it away."""
    global _backend  # noqa: PLW0603 - one for the process, installed at its start
    _backend = backend


def call_span(name: str, attributes: Mapping[str, Value]) -> AbstractContextManager[Span]:
    """Record a call of another system."""
    return _NOTHING if _backend is None else _backend.span(name, SpanKind.CLIENT, attributes)


def job_span(name: str, attributes: Mapping[str, Value], *, parent: str) -> AbstractContextManager[Span]:
    """Record a job of the background worker. ``parent`` is what ``traceparent`` returned when it was enqueued."""
    return _NOTHING if _backend is None else _backend.span(name, SpanKind.CONSUMER, attributes, parent=parent)


def traceparent() -> str:
    """Return the trace of this moment as a header has it, empty if nothing is traced."""
    return "" if _backend is None else _backend.traceparent()
