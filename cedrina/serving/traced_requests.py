"""Record a span for each HTTP request. Only servers with an OTLP endpoint import this module."""

from collections.abc import AsyncIterator, Iterable
from typing import Any

from opentelemetry.trace import INVALID_SPAN

from cedrina.http import measures
from cedrina.http.correlation import HEADER
from cedrina.http.paths import MONITORING_PATHS
from cedrina.monitoring.tracing.recorder import Recorder, present, set_error
from cedrina.serving.connection_pool import WsgiApplication
from cedrina.serving.request_dispatcher import RawResponse, RequestDispatcher
from cedrina.serving.request_processing import RequestHandler
from cedrina_base.tracing import SpanKind
from ratelimiting.client_addresses.resolution import is_trusted_peer

SPAN = "cedrina.span"  # the environ's member for the span of its request
FIRST_SERVER_ERROR = 500
OTHER_METHOD = "_OTHER"  # of OpenTelemetry's semantic conventions, "HTTP request method"


class TracedRequestHandler(RequestHandler):
    """Records method, route, status and correlation id of each request."""

    def __init__(self, dispatcher: RequestDispatcher, recorder: Recorder) -> None:
        super().__init__(dispatcher)
        self._recorder = recorder

    async def handle(self, environ: dict[str, Any], body: AsyncIterator[bytes] | None) -> RawResponse:
        """Return the response as ``RequestHandler.handle`` does.

        The span is not the present one of the event loop, which answers other requests meanwhile: ``within_span``
        makes it that of the thread.

        Raises: ClientDisconnected.
        """
        if environ.get("PATH_INFO") in MONITORING_PATHS:  # what watches asks every few seconds, and nobody looks
            environ[SPAN] = INVALID_SPAN
            return await super().handle(environ, body)
        method = measures.known_method(environ.get("REQUEST_METHOD", "")) or OTHER_METHOD
        span = environ[SPAN] = self._recorder.start(
            method, SpanKind.SERVER, {"http.request.method": method}, parent=_trusted_parent(environ)
        )
        try:
            response = await super().handle(environ, body)
        except BaseException as error:
            set_error(span, type(error).__qualname__)
            raise
        else:
            status, headers, _body = response
            route = environ.get(measures.ROUTE, measures.UNMATCHED)
            span.update_name(f"{method} {route}")
            span.set_attribute("http.route", route)
            span.set_attribute("http.response.status_code", status)
            span.set_attribute("cedrina.correlation_id", dict(headers).get(HEADER, ""))
            if status >= FIRST_SERVER_ERROR:
                set_error(span, str(status))
            return response
        finally:
            span.end()


def within_span(application: WsgiApplication) -> WsgiApplication:
    """Return an application that runs within the span of its request, so that calls of others are a part of it."""

    def call(environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
        with present(environ[SPAN]):
            return application(environ, start_response)

    return call


def _trusted_parent(environ: dict[str, Any]) -> str:
    """Return the header ``traceparent`` of a proxy that TRUSTED_PROXIES names, otherwise an empty text.

    A client that could name a trace could mix its requests with those of others, and have all of them recorded in
    spite of the sampler.
    """
    parent: str = environ.get("HTTP_TRACEPARENT", "")
    return parent if parent and is_trusted_peer(environ.get("REMOTE_ADDR")) else ""
