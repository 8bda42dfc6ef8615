"""A collector of spans for the check of an image: it keeps what it is sent, undecoded."""

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

WAIT_SECONDS = 30  # a process that ends sends what it has within two


class Receiver:
    """``url`` is the endpoint for OTEL_EXPORTER_OTLP_ENDPOINT."""

    def __init__(self, port: int) -> None:
        self.url = f"http://127.0.0.1:{port}"
        self.bodies: list[bytes] = []

    def expect(self, name: bytes) -> None:
        """Wait for a span of this name, which stands in a message as it is. Raises: SystemExit."""
        deadline = time.monotonic() + WAIT_SECONDS
        while not any(name in body for body in self.bodies):
            if time.monotonic() > deadline:
                raise SystemExit(f"No span named {name.decode()} was sent to the collector.")
            time.sleep(0.1)


@contextmanager
def receiving() -> Iterator[Receiver]:
    """Listen on a free port of loopback within a ``with`` block."""

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            receiver.bodies.append(self.rfile.read(int(self.headers["Content-Length"])))
            self.send_response(200)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *_: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        receiver = Receiver(server.server_port)
        threading.Thread(target=server.serve_forever, daemon=True).start()
        try:
            yield receiver
        finally:
            server.shutdown()
