"""Spans of this process, recorded by OpenTelemetry's SDK and sent by OTLP over HTTP.

The SDK's provider is used directly and is not made the global one: a library that records spans of its own, with what
it thinks fit, finds nothing to record them by. So each attribute that leaves the process is set by our code.

opentelemetry-instrumentation-asgi, -psycopg, -redis and -requests are left out. They record paths, query strings,
addresses and arguments that would have to be taken away again; Redis is not asked through the client that they wrap
(``ratelimiting/stores/redis_connections.py``), nor are webhooks sent by requests; and each wraps functions of other
libraries in the whole process.
"""

from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager

from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import SERVICE_NAME, SERVICE_VERSION, Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor
from opentelemetry.trace import (
    INVALID_SPAN,
    Span,
    SpanKind,
    Status,
    StatusCode,
    get_current_span,
    set_span_in_context,
    use_span,
)
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator
from opentelemetry.util.re import parse_env_headers

from cedrina.version import VERSION
from cedrina_base.tracing import SpanKind as Kind
from cedrina_base.tracing import Value

NAME = "cedrina"
ERROR_TYPE = "error.type"
TRACEPARENT = "traceparent"
# `tracestate` is not read: it has texts of whoever sends it.
_PROPAGATOR = TraceContextTextMapPropagator()
_NO_PARENT = set_span_in_context(INVALID_SPAN)


class Recorder:
    """A backend of ``cedrina_base.tracing``."""

    def __init__(self, *, endpoint: str, headers: str, environment: str) -> None:
        """Send to the whole URL ``endpoint``, from a thread of its own.

        ``headers`` are as OTEL_EXPORTER_OTLP_HEADERS has them. The sampler, the size of batches, time limits and
        certificates are those of the other variables OTEL_*, which the SDK reads.
        """
        self._provider = TracerProvider(resource=_resource(environment), shutdown_on_exit=False)
        exporter = OTLPSpanExporter(endpoint=endpoint, headers=parse_env_headers(headers, liberal=True) or None)
        self._provider.add_span_processor(BatchSpanProcessor(exporter))
        self._tracer = self._provider.get_tracer(NAME, VERSION)

    def start(self, name: str, kind: Kind, attributes: Mapping[str, Value], *, parent: str = "") -> Span:
        """Begin a span outside of all others of this process, as a part of the trace that ``parent`` names.

        A malformed ``parent`` is none (W3C Trace Context, 3.2.2.3). The caller ends the span.
        """
        context = _PROPAGATOR.extract({TRACEPARENT: parent}, context=_NO_PARENT) if parent else _NO_PARENT
        return self._tracer.start_span(name, context=context, kind=SpanKind[kind.name], attributes=dict(attributes))

    def span(
        self, name: str, kind: Kind, attributes: Mapping[str, Value], *, parent: str = ""
    ) -> AbstractContextManager["RecordedSpan"]:
        """Record a span from the beginning of a ``with`` block to its end."""
        if kind is not Kind.CLIENT:
            return _ended(self.start(name, kind, attributes, parent=parent))
        return _ended(self._tracer.start_span(name, kind=SpanKind.CLIENT, attributes=dict(attributes)))

    def traceparent(self) -> str:
        """Return the present trace as a header, empty outside of spans."""
        carrier: dict[str, str] = {}
        _PROPAGATOR.inject(carrier)
        return carrier.get(TRACEPARENT, "")

    def flush_and_stop(self) -> None:
        """Send what was recorded, and record no more. It may wait for a collector that does not answer."""
        self._provider.shutdown()


class RecordedSpan:
    """A span, for the code that opened it."""

    def __init__(self, span: Span) -> None:
        self._span = span

    def set(self, name: str, value: Value) -> None:
        """Add an attribute; `error.type` marks the span as failed, too."""
        if name == ERROR_TYPE:
            set_error(self._span, str(value))
        else:
            self._span.set_attribute(name, value)


def present(span: Span) -> AbstractContextManager[Span]:
    """Make a span the present one within a ``with`` block of one thread, and leave its end to the caller."""
    # An exception is not recorded: its message and its traceback may have data.
    return use_span(span, end_on_exit=False, record_exception=False, set_status_on_exception=False)


def set_error(span: Span, error_type: str) -> None:
    """Mark a span as failed, by the name of a class or a short word."""
    span.set_attribute(ERROR_TYPE, error_type)
    span.set_status(Status(StatusCode.ERROR))


def is_recording() -> bool:
    """Return whether the code runs within a span that is recorded."""
    return get_current_span().is_recording()


@contextmanager
def _ended(span: Span) -> Iterator[RecordedSpan]:
    try:
        with present(span):
            yield RecordedSpan(span)
    except BaseException as error:
        set_error(span, type(error).__qualname__)
        raise
    finally:
        span.end()


def _resource(environment: str) -> Resource:
    """Return what each batch says of this process: no name of a machine, of a person, or of a command line."""
    own = Resource({SERVICE_NAME: NAME})
    named = Resource.create({SERVICE_VERSION: VERSION, "deployment.environment.name": environment})
    is_unnamed = str(named.attributes[SERVICE_NAME]).startswith("unknown_service")  # OTEL_SERVICE_NAME is not set
    return named.merge(own) if is_unnamed else named
