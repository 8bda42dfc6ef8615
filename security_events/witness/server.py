"""The HTTP server of a witness: small, for a few logs, behind a proxy that speaks TLS."""

import socket
import threading
import time
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import structlog

from security_events.verifier import NoteMalformed
from security_events.witness.protocol import LARGEST_REQUEST, Witness, WitnessAnswer

CONNECTIONS = 64
CONNECTION_SECONDS = 30.0  # however slowly the client sends, and however many requests it makes

log = structlog.get_logger(__name__)


class WitnessServer(ThreadingHTTPServer):
    """Serves one witness. Connections are limited in number and in time."""

    daemon_threads = True
    request_queue_size = 128

    def __init__(self, address: tuple[str, int], witness: Witness) -> None:
        """Listen on an address.

        Raises: OSError.
        """
        self.witness = witness
        self._places = threading.BoundedSemaphore(CONNECTIONS)
        self.address_family = socket.AF_INET6 if ":" in address[0] else socket.AF_INET
        super().__init__(address, _WitnessRequest)

    def process_request(self, request: Any, client_address: Any) -> None:
        """Serve a connection in a thread, or close it at once if there are too many."""
        if not self._places.acquire(blocking=False):
            self.shutdown_request(request)
            return
        super().process_request(request, client_address)

    def process_request_thread(self, request: Any, client_address: Any) -> None:
        """Serve a connection until its time is over."""
        limit = threading.Timer(CONNECTION_SECONDS, _end, [request])
        limit.daemon = True
        limit.start()
        try:
            super().process_request_thread(request, client_address)
        finally:
            limit.cancel()
            self._places.release()

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Take the end of a connection for what it is. Faults of ours are logged where they are answered."""


class _WitnessRequest(BaseHTTPRequestHandler):
    server: WitnessServer
    protocol_version = "HTTP/1.1"
    server_version = "witness"
    sys_version = ""

    def do_POST(self) -> None:
        body = self._body()
        if body is None:
            return
        if self.path != "/add-checkpoint":
            self._answer(WitnessAnswer(404, "POST goes to /add-checkpoint.\n"))
            return
        try:
            answer = self.server.witness.add_checkpoint(body, time=int(time.time()))
        except (OSError, NoteMalformed):
            log.exception("witness_state_unusable")
            answer = WitnessAnswer(500, "The state of this witness can't be read or written. Nothing was signed.\n")
        log.info("witness_answered", status=answer.status)
        self._answer(answer)

    def do_GET(self) -> None:
        try:
            answer = self.server.witness.checkpoint(self.path)
        except OSError:
            log.exception("witness_state_unusable")
            answer = WitnessAnswer(500, "The state of this witness can't be read.\n")
        self._answer(answer)

    def _body(self) -> bytes | None:
        """Return the body, or answer and end the connection if it has no usable length."""
        length = self.headers.get("Content-Length", "")
        if not length.isascii() or not length.isdecimal() or "Transfer-Encoding" in self.headers:
            status = HTTPStatus.LENGTH_REQUIRED
        elif len(length) > 9 or int(length) > LARGEST_REQUEST:
            status = HTTPStatus.REQUEST_ENTITY_TOO_LARGE
        else:
            body = self.rfile.read(int(length))
            if len(body) == int(length):
                return body
            status = HTTPStatus.BAD_REQUEST
        self.close_connection = True
        self._answer(WitnessAnswer(status, f"Content-Length is needed, of {LARGEST_REQUEST} at most.\n"))
        return None

    def _answer(self, answer: WitnessAnswer) -> None:
        content = answer.body.encode()
        self.send_response(answer.status)
        self.send_header("Content-Type", answer.content_type)
        self.send_header("Content-Length", str(len(content)))
        if self.close_connection:
            self.send_header("Connection", "close")
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, *_args: Any) -> None:
        """Write nothing: answers are logged as the other logs are."""


def _end(connection: socket.socket) -> None:
    try:
        connection.shutdown(socket.SHUT_RDWR)
    except OSError:
        return  # it has ended
