"""A collector of spans: an HTTP server that decodes what it is sent by the published schema of OTLP."""

import gzip
import threading
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest


class ReceivedSpan:
    """A span with its attributes as a dict; ids are in hex as in a header."""

    def __init__(self, span):
        self.name, self.kind, self.status = span.name, span.kind, span.status
        self.events, self.links = list(span.events), list(span.links)
        self.trace, self.id, self.parent = span.trace_id.hex(), span.span_id.hex(), span.parent_span_id.hex()
        self.attributes = {each.key: _value(each.value) for each in span.attributes}

    def __repr__(self):
        return f"{self.name} {self.attributes}"


class SpanReceiver:
    """What has arrived: raw bodies with their headers, and the spans in them."""

    def __init__(self, server):
        self.url = f"http://127.0.0.1:{server.server_port}"
        self.requests, self.resources, self.spans = [], [], []

    def take(self, path, headers, body):
        self.requests.append((path, headers, body))
        for resource in ExportTraceServiceRequest.FromString(body).resource_spans:
            self.resources.append({each.key: _value(each.value) for each in resource.resource.attributes})
            for scope in resource.scope_spans:
                self.spans += map(ReceivedSpan, scope.spans)

    def named(self, name):
        return [span for span in self.spans if span.name == name]

    def trace_of(self, span):
        return [each for each in self.spans if each.trace == span.trace]


@contextmanager
def collecting():
    """Listen on a free port of loopback."""

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self):
            body = self.rfile.read(int(self.headers["Content-Length"]))
            is_packed = self.headers.get("Content-Encoding") == "gzip"
            receiver.take(self.path, dict(self.headers.items()), gzip.decompress(body) if is_packed else body)
            self.send_response(200)
            self.send_header("Content-Type", "application/x-protobuf")
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *_):
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    receiver = SpanReceiver(server)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield receiver
    finally:
        server.shutdown()
        server.server_close()


def _value(value):
    return getattr(value, value.WhichOneof("value"))
