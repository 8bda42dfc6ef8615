"""A real HTTP server that receives webhooks, and answers as a test wants it to."""

import socket
import threading
import time
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


class Received:
    def __init__(self, path, headers, body):
        self.path, self.headers, self.body = path, headers, body


class Receiver:
    """What arrived, and the answers to come: statuses, or functions of the handler. After them, 204 for each."""

    def __init__(self, server):
        self.received, self.answers = [], []
        self.connections = 0
        self.url = f"http://127.0.0.1:{server.server_port}/hook?key=1"

    @property
    def ids(self):
        return [each.headers["webhook-id"] for each in self.received]


@contextmanager
def receiving(tls=None):
    """Listen on a free port of loopback, by TLS if a server's context is given."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        disable_nagle_algorithm = True
        timeout = 20

        def setup(self):
            super().setup()
            receiver.connections += 1

        def do_POST(self):
            body = self.rfile.read(int(self.headers["Content-Length"]))
            receiver.received.append(Received(self.path, dict(self.headers.items()), body))
            answer = receiver.answers.pop(0) if receiver.answers else 204
            if callable(answer):
                answer(self)
                return
            status, headers = answer if isinstance(answer, tuple) else (answer, {})
            self.send_response(status)
            for name, value in headers.items():
                self.send_header(name, value)
            if status != 204:
                self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *_):
            pass

    class Server(ThreadingHTTPServer):
        daemon_threads = True

        def handle_error(self, *_):
            pass  # a client that gives up early is what some tests are about

    server = Server(("127.0.0.1", 0), Handler)
    if tls is not None:
        server.socket = tls.wrap_socket(server.socket, server_side=True)
    receiver = Receiver(server)
    thread = threading.Thread(target=server.serve_forever, args=(0.02,))
    thread.start()
    try:
        yield receiver
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


@contextmanager
def listening():
    """Listen on loopback and count the connections that anybody opens; nothing is answered."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        accepted, ended = [], threading.Event()
        server.settimeout(0.05)

        def accept():
            while not ended.is_set():
                try:
                    accepted.append(server.accept()[0])
                except TimeoutError:
                    continue

        thread = threading.Thread(target=accept)
        thread.start()
        try:
            yield server.getsockname()[1], accepted
        finally:
            ended.set()
            thread.join()
            for each in accepted:
                each.close()


def endless_body(handler):
    handler.send_response(200)
    handler.end_headers()
    while True:
        handler.wfile.write(b"x" * 65536)


def slow_headers(handler):
    """Send one header line after the other for ever."""
    handler.wfile.write(b"HTTP/1.1 200 OK\r\n")
    while True:
        handler.wfile.write(b"X: y\r\n")
        time.sleep(0.05)


def silent(handler):
    """Answer nothing until the client hangs up."""
    handler.rfile.read(1)


def slow_body(handler):
    handler.send_response(200)
    handler.send_header("Content-Length", "1000")
    handler.end_headers()
    while True:
        handler.wfile.write(b"x")
        time.sleep(0.05)


def late_end(handler):
    """End the connection with a body that comes behind its headers, as servers of HTTP/1.0 do."""
    handler.send_response(200)
    handler.send_header("Connection", "close")
    handler.send_header("Content-Length", "3")
    handler.end_headers()
    time.sleep(0.1)
    handler.wfile.write(b"99\n")


def broken(handler):
    handler.wfile.write(b"SMTP ready\r\n\r\n")
    handler.close_connection = True


def closing(handler):
    handler.close_connection = True
