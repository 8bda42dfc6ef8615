"""A receiver of pushed security event tokens that follows RFC 8935 to the letter, on loopback."""

import json
import threading
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

OUTBOUND = {"OUTBOUND_ALLOWED_NETWORKS": ["127.0.0.0/8"], "OUTBOUND_PLAIN_HTTP": True}


class PushReceiver:
    """Remembers what was pushed. ``answers`` are given first, as (status, object); then all tokens are accepted."""

    def __init__(self):
        self.requests, self.answers = [], []
        self.url = ""
        self.port = 0

    @property
    def tokens(self):
        """The bodies of all requests."""
        return [body for _headers, body in self.requests]

    def respond(self, headers, body):
        """Return the status and the error of one request (RFC 8935, 2.2 and 2.3)."""
        self.requests.append((headers, body))
        if self.answers:
            return self.answers.pop(0)
        if headers["Content-Type"] != "application/secevent+jwt" or headers["Accept"] != "application/json":
            return 400, {"err": "invalid_request", "description": "The headers are wrong."}
        return 202, None


@contextmanager
def receiving():
    """Run a receiver until the block ends."""
    receiver = PushReceiver()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self):
            body = self.rfile.read(int(self.headers["Content-Length"])).decode()
            status, error = receiver.respond(dict(self.headers), body)
            content = b"" if error is None else json.dumps(error).encode()
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, *_arguments):
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    receiver.port = server.server_address[1]
    receiver.url = f"http://127.0.0.1:{receiver.port}/events"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    try:
        yield receiver
    finally:
        server.shutdown()
        server.server_close()
