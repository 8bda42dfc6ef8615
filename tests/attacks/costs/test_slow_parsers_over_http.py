"""The same over HTTP, against each way of serving: what an attacker sends costs a server little, and honest people
nothing."""

import contextlib
import socket
import time
from urllib.parse import quote

import httpx
import pytest

from tests.attacks.costs.hostile_requests import REQUESTS
from tests.programs import served
from tests.programs.busy import Lateness

pytestmark = [pytest.mark.process, pytest.mark.attack("CWE-1333, CWE-407")]
BOUND = 0.05
SIZES = (62_000, 8_000)
FORWARDED = "".join(f"Forwarded: for={piece * (15_900 // len(piece))}\r\n" for piece in ("a", '"a', '"\\"'))


@pytest.fixture(scope="module")
def database():
    with served.database() as url:
        yield url


@pytest.fixture(scope="module", params=[(), ("--http",)], ids=["one port", "http"])
def server(database, request):
    # One address may ask as often as it likes here: what a request costs is asked, not whether it is refused.
    with served.serving(database_url=database, flags=request.param, TRUSTED_PROXIES="127.0.0.0/8") as running:
        yield running


def raw(environ):
    """Spell a request as it goes over the wire; a client is free to write what no library would."""
    names = {name[5:].replace("_", "-"): value for name, value in environ.items() if name.startswith("HTTP_")}
    body = environ["wsgi.input"].getvalue()
    if "CONTENT_TYPE" in environ:
        names |= {"Content-Type": environ["CONTENT_TYPE"], "Content-Length": str(len(body))}
    target = quote(environ["PATH_INFO"].encode("latin-1"), safe="/;=.,%")
    if environ["QUERY_STRING"]:
        target += f"?{environ['QUERY_STRING']}"
    lines = "".join(f"{name}: {value}\r\n" for name, value in names.items())
    return f"{environ['REQUEST_METHOD']} {target} HTTP/1.1\r\n{lines}\r\n".encode("latin-1") + body


def send(server, data, *, parts=()):
    """Send bytes on a connection of their own and return the status, None where the server just closed it."""
    with socket.create_connection(("127.0.0.1", server.port), timeout=120) as connection:
        received = b""
        with contextlib.suppress(ConnectionError):
            for part in (data, *parts):
                connection.sendall(part)
        with contextlib.suppress(ConnectionError):
            while b"\r\n" not in received and (more := connection.recv(65536)):
                received += more
    return int(received.split(b" ")[1]) if received else None


def cost(server, ask, *, times=8):
    """Return the CPU seconds that a server spends for one of several requests; it idles at next to none."""
    ask()
    began = server.cpu_seconds()
    for _ in range(times):
        ask()
    time.sleep(0.05)  # what it does after it answered counts too
    return (server.cpu_seconds() - began) / times


def costs_little(server, ask, *, times=8):
    """Return whether a request costs at most BOUND. What others do on the machine may make it dearer, never cheaper."""
    return any(cost(server, ask, times=times) <= BOUND for _ in range(3))


def head(*lines, body=b""):
    return "\r\n".join(("POST /api/v1/auth/login HTTP/1.1", "Host: 127.0.0.1", *lines, "", "")).encode() + body


# What only the wire can say.
FRAMES = {
    "three lines of Forwarded": head(FORWARDED.strip()),
    "16,000 headers": head(*["a:"] * 16_000),
    "16,000 headers of different names": head(*[f"{number:x}:" for number in range(10_000)]),
    "8,000 lines of one header": head(*["Accept:a"] * 6_500),
    "99 lines of one header": head(*[f"Accept-Language: {'a,' * 300}"] * 98),
    "a target of 60,000": b"GET /" + b"a" * 60_000 + b" HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n",
    "a method of 60,000": b"G" * 60_000 + b" / HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n",
    "a name of 60,000": head("a" * 60_000 + ": b"),
    "chunks of one byte": head(
        "Content-Type: application/json", "Transfer-Encoding: chunked", body=b"1\r\n \r\n" * 10_000 + b"0\r\n\r\n"
    ),
    "extensions of chunks": head(
        "Content-Type: application/json",
        "Transfer-Encoding: chunked",
        body=b"1;" + b"a" * 60_000 + b"\r\n \r\n0\r\n\r\n",
    ),
    "a trailer": head(
        "Content-Type: application/json",
        "Transfer-Encoding: chunked",
        body=b"1\r\n \r\n0\r\n" + b"a: b\r\n" * 10_000 + b"\r\n",
    ),
    "a handshake with a long target": b"GET /ws/health/?" + b"a" * 8_180 + b" HTTP/1.1\r\nHost: 127.0.0.1\r\n"
    b"Upgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"
    b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n",
    "a handshake with a long line": b"GET /ws/health/ HTTP/1.1\r\nHost: 127.0.0.1\r\nUpgrade: websocket\r\n"
    b"Connection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"
    b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
    b"Forwarded: " + b"a" * 8_185 + b"\r\n\r\n",
    "a handshake": b"GET /ws/health/ HTTP/1.1\r\nHost: 127.0.0.1\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    b"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
    b"Forwarded: " + b"a" * 7000 + b"\r\n" + b"User-Agent: a\r\n" * 3_500 + b"\r\n",
}


@pytest.mark.parametrize("name", FRAMES)
def test_a_frame_of_64_kib_costs_little(server, name):
    assert len(FRAMES[name]) <= 66_000
    assert costs_little(server, lambda: send(server, FRAMES[name]))


@pytest.mark.parametrize(
    "kind", ["FORWARDED", "Accept", "Content-Type", "Cookie", "User-Agent", "path", "JSON", "form"]
)
def test_a_request_of_64_kib_costs_little(server, kind):
    """Each kind's requests of both sizes, together: one that is slow shows among fifty."""
    for name, make in REQUESTS.items():
        if not name.startswith(kind):
            continue
        for size in SIZES:
            data = raw(make(size))
            assert costs_little(server, lambda data=data: send(server, data), times=2), name


def test_forwarding_headers_delay_nobody(server):
    """Two hundred of the requests that once took a worker five seconds each, and somebody honest in between."""
    waits = []
    with Lateness() as lateness:
        for _ in range(20):
            attackers = [socket.create_connection(("127.0.0.1", server.port), timeout=120) for _ in range(10)]
            for attacker in attackers:
                attacker.sendall(f"GET /livez HTTP/1.1\r\nHost: 127.0.0.1\r\n{FORWARDED}\r\n".encode())
            began = time.monotonic()
            assert httpx.get(f"{server.url}/livez", timeout=60).status_code == 200
            waits.append(time.monotonic() - began)
            for attacker in attackers:
                attacker.close()
    assert sorted(waits)[10] < 1 + lateness.allowance
    assert max(waits) < 5 + lateness.allowance


def test_a_head_without_an_end_is_not_kept(server):
    """Memory that a client fills before it is known what it asks for."""
    before = server.resident_bytes()
    for _ in range(3):
        piece = b"x" * 65_536
        with contextlib.suppress(OSError):
            status = send(server, b"GET / HTTP/1.1\r\nHost: 127.0.0.1\r\nA: ", parts=[piece] * 400)
            assert status in (None, 400, 431)
    assert server.resident_bytes() - before < 24 * 1024 * 1024


@pytest.mark.attack("CWE-400, CWE-770")
def test_headers_that_all_differ_leave_no_memory(database):
    """2,000 requests whose headers are as long as they may be, against as many ordinary ones."""
    paths = ("/livez", "/nowhere", "/api/v1/auth/me", "/.well-known/jwks.json", "/account/forgot-password")
    longest = 7_900

    def headers(number):
        text = f"{number:08d}" * (longest // 8)
        return {
            "Accept-Language": (text[:8] + ",es-") * 600,
            "User-Agent": text,
            "X-Forwarded-For": text,
            "Forwarded": f"for={text}",
            "Authorization": f"Bearer {text}",
            "Cookie": f"a={text}",
            "Accept": text,
            "X-Correlation-ID": text,
            "Origin": f"https://{text}",
            "If-Match": text,
        }

    with (
        served.serving(database_url=database, flags=("--http",), TRUSTED_PROXIES="127.0.0.0/8") as server,
        httpx.Client(base_url=server.url, timeout=120) as client,
    ):

        def ask(number, given):
            kind = {"Content-Type": f"a/{number:08d}" * 20}
            client.get(paths[number % len(paths)] + f"?a={number}", headers=given)
            client.post("/api/v1/auth/login", json={"username": f"{number}" * 30, "password": "x"}, headers=given)
            client.post("/api/v1/auth/login", content=b"{}", headers={**given, **kind})

        for number in range(200):
            ask(number, {})
        before = server.resident_bytes()
        for number in range(700):
            ask(number, {})
        ordinary = server.resident_bytes()
        for number in range(1000, 1700):
            ask(number, headers(number))
        assert server.resident_bytes() - ordinary <= max(0, ordinary - before) + 12 * 1024 * 1024
