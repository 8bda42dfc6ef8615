"""The client's address behind the shipped nginx, with and without a proxy in front of it; and forged headers."""

import socket
import threading
from contextlib import contextmanager

import psycopg
import pytest

from tests.deployment.conftest import HOST
from tests.peers import nginx_server
from tests.peers.nginx_server import LOOPBACK, OUTER, Nginx

FORGED = "203.0.113.66"
CLEARED = (
    "Forwarded",
    "Forwarded-For",
    "X-Forwarded",
    "X-Forwarded-Host",
    "X-Forwarded-Port",
    "X-Forwarded-Prefix",
    "X-Forwarded-Protocol",
    "X-Forwarded-Scheme",
    "X-Forwarded-Server",
    "X-Forwarded-Ssl",
    "X-Url-Scheme",
    "Front-End-Https",
    "X-Real-IP",
    "X-Client-IP",
    "X-Cluster-Client-IP",
    "True-Client-IP",
    "CF-Connecting-IP",
    "Client-IP",
    "X-Host",
    "Via",
    "Proxy",
)


class Recorder:
    """An upstream that keeps what nginx sends it, byte for byte, and answers each head with 200."""

    def __init__(self):
        self._listener = socket.create_server((LOOPBACK, 0))
        self.port = self._listener.getsockname()[1]
        self.received = []
        threading.Thread(target=self._listen, daemon=True).start()

    def _listen(self):
        while True:
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return
            threading.Thread(target=self._answer, args=(connection,), daemon=True).start()

    def _answer(self, connection):
        data = b""
        with connection:
            connection.settimeout(5)
            try:
                while more := connection.recv(65536):
                    data += more
                    if b"\r\n\r\n" in data:
                        break
                self.received.append(data)  # before the answer, which the test goes on after
                connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\nok")
            except OSError:
                pass

    def headers(self):
        """Return the headers of the last request."""
        head = self.received[-1].partition(b"\r\n\r\n")[0].decode("latin-1").split("\r\n")[1:]
        return {line.partition(":")[0].lower(): line.partition(":")[2].strip() for line in head}

    def close(self):
        self._listener.close()


@contextmanager
def recorded(directory, *, proxies_in_front=(), name):
    recorder = Recorder()
    nginx = Nginx(directory=directory, name=name)
    nginx.use_shipped(web=recorder.port, sockets=recorder.port, proxies_in_front=proxies_in_front)
    try:
        with nginx_server.running(nginx):
            yield nginx, recorder
    finally:
        recorder.close()


@pytest.fixture(scope="module")
def at_the_edge(directory):
    with recorded(directory, name="edge") as pair:
        yield pair


@pytest.fixture(scope="module")
def behind_one(directory):
    with recorded(directory, name="behind", proxies_in_front=[OUTER, "127.0.0.3"]) as pair:
        yield pair


def ask(nginx, *headers, source=LOOPBACK, path="/livez"):
    lines = "".join(f"{line}\r\n" for line in headers)
    return nginx.converse(
        f"GET {path} HTTP/1.1\r\nHost: {HOST}\r\nConnection: close\r\n{lines}\r\n".encode(), source=source
    )


@pytest.mark.attack("CWE-348")
class TestAtTheEdge:
    def test_the_address_is_that_of_the_connection(self, at_the_edge):
        nginx, recorder = at_the_edge
        ask(nginx, source="127.0.0.21")
        assert recorder.headers()["x-forwarded-for"] == "127.0.0.21"
        assert recorder.headers()["x-forwarded-proto"] == "http"

    @pytest.mark.parametrize(
        "lines",
        [
            [f"X-Forwarded-For: {FORGED}"],
            [f"X-Forwarded-For: {FORGED}", "X-Forwarded-For: 198.51.100.1"],
            [f"X-Forwarded-For: {FORGED}, 127.0.0.1, ::1"],
            [f"x_forwarded_for: {FORGED}"],
            ["X-Forwarded-For: " + "1.1.1.1, " * 400],
        ],
    )
    def test_headers_of_other_peers_are_ignored(self, at_the_edge, lines):
        nginx, recorder = at_the_edge
        ask(nginx, *lines, "X-Forwarded-Proto: https", source="127.0.0.22")
        assert recorder.headers()["x-forwarded-for"] == "127.0.0.22"
        assert recorder.headers()["x-forwarded-proto"] == "http"
        assert FORGED.encode() not in recorder.received[-1]

    @pytest.mark.parametrize("name", CLEARED)
    def test_other_headers_about_the_way_are_cleared(self, at_the_edge, name):
        nginx, recorder = at_the_edge
        ask(nginx, f"{name}: {FORGED}")
        assert name.lower() not in recorder.headers()
        assert FORGED.encode() not in recorder.received[-1]

    def test_no_other_protocol_is_passed_on(self, at_the_edge):
        nginx, recorder = at_the_edge
        for path, upgrade in (("/api/v1/auth/me", "h2c"), ("/ws/health/", "h2c"), ("/api/v1/auth/me", "websocket")):
            ask(nginx, f"Upgrade: {upgrade}", "HTTP2-Settings: AAMAAABkAAQAAP__", path=path)
            assert "upgrade" not in recorder.headers()
        ask(nginx, "Upgrade: WebSocket", path="/ws/health/")
        assert (recorder.headers()["upgrade"], recorder.headers()["connection"]) == ("websocket", "upgrade")

    @pytest.mark.attack("RFC 9112, 3.2.2")
    def test_the_host_of_an_absolute_target_counts(self, at_the_edge):
        nginx, recorder = at_the_edge
        ask(nginx, path="http://foreign.example/livez")
        assert recorder.headers()["host"] == "foreign.example"
        assert recorder.received[-1].startswith(b"GET /livez HTTP/1.1\r\n")


@pytest.mark.attack("CWE-348")
class TestBehindNamedProxies:
    def test_one_names_the_client(self, behind_one, directory):
        nginx, recorder = behind_one
        outer = Nginx(directory=directory, name="outer-of-one").use_outer(inner=nginx.url)
        with nginx_server.running(outer):
            ask(outer, source="127.0.0.31")
            assert recorder.headers()["x-forwarded-for"] == "127.0.0.31"
            assert recorder.headers()["x-forwarded-proto"] == "https"

            ask(outer, f"X-Forwarded-For: {FORGED}", "X-Forwarded-Proto: ftp", source="127.0.0.32")
            assert recorder.headers()["x-forwarded-for"] == "127.0.0.32"
            assert recorder.headers()["x-forwarded-proto"] == "https"

    def test_two_name_the_client(self, behind_one):
        nginx, recorder = behind_one
        ask(nginx, "X-Forwarded-For: 198.51.100.9, 127.0.0.3", "X-Forwarded-Proto: https", source=OUTER)
        assert recorder.headers()["x-forwarded-for"] == "198.51.100.9"
        ask(nginx, f"X-Forwarded-For: {FORGED}", "X-Forwarded-For: 198.51.100.9, 127.0.0.3", source=OUTER)
        assert recorder.headers()["x-forwarded-for"] == "198.51.100.9"
        ask(nginx, f"X-Forwarded-For: {FORGED}, 2001:db8::9", source=OUTER)
        assert recorder.headers()["x-forwarded-for"] == "2001:db8::9"

    def test_headers_of_a_direct_client_are_ignored(self, behind_one):
        nginx, recorder = behind_one
        ask(nginx, f"X-Forwarded-For: {FORGED}", "X-Forwarded-Proto: https", source="127.0.0.33")
        assert recorder.headers()["x-forwarded-for"] == "127.0.0.33"
        assert recorder.headers()["x-forwarded-proto"] == "http"

    def test_a_trusted_proxy_without_a_header_is_itself_the_client(self, behind_one):
        nginx, recorder = behind_one
        for line in ("X-Forwarded-For: unknown", f"X-Forwarded-For: {FORGED}, nonsense", "X-Other: 1"):
            ask(nginx, line, source=OUTER)
            assert recorder.headers()["x-forwarded-for"] == OUTER


def address_of_last_refusal(url):
    with psycopg.connect(url.replace("postgres://", "postgresql://")) as connection:
        row = connection.execute(
            "SELECT host(ip_address) FROM security_events_event WHERE type = 'authentication.login_failed' "
            "ORDER BY id DESC LIMIT 1"
        ).fetchone()
    return row and row[0]


def refuse(nginx, *lines, source):
    body = '{"username": "nobody-at-all", "password": "x"}'
    head = "".join(f"{line}\r\n" for line in lines)
    answer = nginx.converse(
        f"POST /api/v1/auth/login HTTP/1.1\r\nHost: {HOST}\r\nConnection: close\r\nContent-Type: application/json\r\n"
        f"Content-Length: {len(body)}\r\n{head}\r\n{body}".encode(),
        source=source,
    )
    assert b" 401 " in answer.partition(b"\r\n")[0], answer


@pytest.mark.attack("CWE-348")
def test_events_name_the_client_over_the_whole_way(stack, directory):
    inner = Nginx(directory=directory, name="inner")
    inner.use_shipped(web=stack.web.port, sockets=stack.sockets.port, proxies_in_front=[OUTER])
    outer = Nginx(directory=directory, name="outer").use_outer(inner=inner.url)
    with nginx_server.running(inner), nginx_server.running(outer):
        for number, nginx in enumerate((stack.nginx, inner, outer), start=41):
            source = f"127.0.0.{number}"
            refuse(nginx, f"X-Forwarded-For: {FORGED}", f"Forwarded: for={FORGED}", source=source)
            assert address_of_last_refusal(stack.database_url) == source
        # Past all proxies: nobody is trusted who is not named, and the application believes its own peer alone.
        refuse(outer, f"X-Forwarded-For: {FORGED}, {OUTER}", source="127.0.0.44")
        assert address_of_last_refusal(stack.database_url) == "127.0.0.44"
