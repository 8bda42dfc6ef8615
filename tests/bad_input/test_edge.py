"""What only the wire shows: framing, sizes, encodings and speeds that a client library would not send."""

import contextlib
import gzip
import json
import socket
import time

import pytest

from tests.journeys.person import PASSWORD
from tests.problem_shape import Answer, assert_acceptable, assert_discreet, assert_problem
from tests.programs.busy import Lateness

MIB = 1024 * 1024
BOUND_SECONDS = 2
LOGIN = b'{"username": "a", "password": "b"}'
HEAD = "POST /api/v1/auth/login HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\n"
# What the servers themselves may answer to what is no HTTP, without ever asking us.
SERVERS_OWN = {400, 414, 431, 501, 505}


class Wire:
    """Bytes out, bytes in."""

    def __init__(self, server, lateness):
        self.address = ("127.0.0.1", server.port)
        self.lateness = lateness

    def send(self, *parts, patience=BOUND_SECONDS):
        """Send bytes and return the first answer, ``None`` where the connection was closed without one."""
        raw, began = b"", time.monotonic()
        with socket.create_connection(self.address, timeout=patience) as connection:
            with contextlib.suppress(ConnectionError):
                for part in parts:
                    connection.sendall(part.encode("latin-1") if isinstance(part, str) else part)
            with contextlib.suppress(ConnectionError, TimeoutError):
                while chunk := connection.recv(65536):
                    raw += chunk
                    if is_whole(raw):
                        break
        assert not raw or time.monotonic() - began < BOUND_SECONDS + self.lateness.allowance
        return parsed(raw)


def is_whole(raw):
    head, found, body = raw.partition(b"\r\n\r\n")
    for line in head.lower().split(b"\r\n"):
        if line.startswith(b"content-length:"):
            return bool(found) and len(body) >= int(line.split(b":")[1])
    return False


def parsed(raw):
    if not raw.startswith(b"HTTP/1"):
        return None  # closed, or a server that speaks HTTP/2 says so in its own way
    head, _, body = raw.partition(b"\r\n\r\n")
    status_line, *lines = head.decode("latin-1").split("\r\n")
    headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines)}
    return Answer(int(status_line.split(" ")[1]), headers, body[: int(headers.get("content-length", len(body)))])


def check(answer, *, server):
    """Hold an answer to the contract where we gave it; what the server itself refuses says nothing of ours."""
    if answer is None:
        pass
    elif answer.headers.get("content-type", "").startswith("application/"):
        assert_acceptable(answer)
    else:
        assert answer.status in SERVERS_OWN, answer
        assert_discreet(answer)
    with server.client() as client:
        assert client.get(f"{server.url}/livez").status_code == 200


@pytest.fixture
def lateness():
    with Lateness() as measured:
        yield measured


@pytest.fixture
def wire(edge, lateness):
    return Wire(edge, lateness)


@pytest.fixture(autouse=True)
def _in_good_time(edge, lateness):
    began = time.monotonic()
    yield
    assert time.monotonic() - began < 3 * (BOUND_SECONDS + lateness.allowance)


class TestALargeBody:
    def test_of_20_megabytes_is_refused_when_it_is_declared(self, edge, wire, lateness):
        began = time.monotonic()
        answer = wire.send(HEAD, f"Content-Length: {20 * MIB}\r\n\r\n", b"x" * 20 * MIB)
        if answer is not None:  # it may also be cut off while it is still sending
            assert_problem(answer, status=413, code="payload_too_large")
        assert time.monotonic() - began < BOUND_SECONDS + lateness.allowance
        check(None, server=edge)

    def test_is_refused_by_what_it_declares_before_it_comes(self, edge, wire):
        answer = wire.send(HEAD, f"Content-Length: {20 * MIB}\r\n\r\n")
        assert_problem(answer, status=413, code="payload_too_large")

    def test_of_20_megabytes_is_refused_in_chunks(self, edge, wire):
        chunk = b"10000\r\n" + b"x" * 65536 + b"\r\n"
        answer = wire.send(HEAD, "Transfer-Encoding: chunked\r\n\r\n", *[chunk] * (20 * MIB // 65536), "0\r\n\r\n")
        if answer is not None:
            assert_problem(answer, status=413, code="payload_too_large")
        check(None, server=edge)

    def test_of_a_little_too_much_in_chunks_gets_its_answer(self, wire):
        chunks = [b"1000\r\n" + b" " * 4096 + b"\r\n"] * 17
        answer = wire.send(HEAD, "Transfer-Encoding: chunked\r\n\r\n", *chunks, "0\r\n\r\n")
        assert_problem(answer, status=413, code="payload_too_large")

    def test_is_refused_where_no_body_is_due_too(self, wire):
        for line in ("GET /livez", "GET /api/v1/auth/me", "DELETE /api/v1/auth/sessions", "GET /nowhere"):
            answer = wire.send(f"{line} HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: {20 * MIB}\r\n\r\n")
            assert_problem(answer, status=413, code="payload_too_large")

    def test_in_small_chunks_within_the_limit_is_read(self, wire):
        # A name of its own: how often a password of the other was tried is counted.
        chunks = [b"1\r\n%c\r\n" % byte for byte in LOGIN.replace(b'"a"', b'"chunked"')]
        answer = wire.send(HEAD, "Transfer-Encoding: chunked\r\n\r\n", *chunks, "0\r\n\r\n")
        assert_problem(answer, status=401, code="invalid_credentials")

    def test_that_is_a_gzip_bomb_is_not_unpacked(self, edge):
        bomb = gzip.compress(b'{"username": "' + b"a" * 50 * MIB + b'"}')
        with edge.client() as client:
            for encoding in ("gzip", "GZIP", "identity, gzip", "deflate"):
                headers = {"Content-Type": "application/json", "Content-Encoding": encoding}
                assert_problem(client.post("/auth/login", content=bomb, headers=headers), status=415)


class TestADeepBody:
    def test_is_refused_at_any_depth(self, edge):
        with edge.client() as client:
            for raw in (
                b"[" * 65_000,
                b'{"a":' * 13_000 + b"1" + b"}" * 100,
                b'{"a":' + b"[" * 30_000 + b"]" * 30_000 + b"}",
            ):
                answer = client.post("/auth/login", content=raw, headers={"Content-Type": "application/json"})
                assert_problem(answer, status=400, code="malformed_request")

    def test_of_100_000_levels_is_too_large_before_it_is_too_deep(self, edge):
        with edge.client() as client:
            raw = b"[" * 100_000 + b"]" * 100_000
            answer = client.post("/auth/login", content=raw, headers={"Content-Type": "application/json"})
            assert_problem(answer, status=413, code="payload_too_large")

    def test_with_a_number_of_6000_digits_is_answered_at_once(self, edge):
        with edge.client() as client:
            for digits in (b"9" * 6000, b"-" + b"1" * 60_000, b"1e400", b"1" + b"0" * 60_000):
                raw = b'{"username": "a", "password": ' + digits + b"}"
                answer = client.post("/auth/login", content=raw, headers={"Content-Type": "application/json"})
                assert assert_problem(answer)["status"] in (400, 422)


class TestFraming:
    CHUNKED = "Transfer-Encoding: chunked\r\n"
    GAMES = {
        "two lengths": (HEAD, "Content-Length: 5\r\nContent-Length: 34\r\n\r\n", LOGIN),
        "a list of lengths": (HEAD, "Content-Length: 34, 34\r\n\r\n", LOGIN),
        "a negative length": (HEAD, "Content-Length: -1\r\n\r\n", LOGIN),
        "a signed length": (HEAD, "Content-Length: +34\r\n\r\n", LOGIN),
        "a hexadecimal length": (HEAD, "Content-Length: 0x22\r\n\r\n", LOGIN),
        "a length of letters": (HEAD, "Content-Length: abc\r\n\r\n", LOGIN),
        "a length of 400 digits": (HEAD, f"Content-Length: {'9' * 400}\r\n\r\n", LOGIN),
        "no length at all": (HEAD, "\r\n", LOGIN),
        "both framings": (HEAD, CHUNKED, "Content-Length: 34\r\n\r\n", "22\r\n", LOGIN, "\r\n0\r\n\r\n"),
        "both, the other way": (HEAD, "Content-Length: 5\r\n", CHUNKED, "\r\n0\r\n\r\nGET /livez HTTP/1.1\r\n\r\n"),
        "chunked twice": (HEAD, CHUNKED, CHUNKED, "\r\n22\r\n", LOGIN, "\r\n0\r\n\r\n"),
        "chunked, gzip": (HEAD, "Transfer-Encoding: chunked, gzip\r\n\r\n22\r\n", LOGIN, "\r\n0\r\n\r\n"),
        "an unknown coding": (HEAD, "Transfer-Encoding: xchunked\r\n\r\n22\r\n", LOGIN, "\r\n0\r\n\r\n"),
        "a folded coding": (HEAD, "Transfer-Encoding:\r\n chunked\r\n\r\n22\r\n", LOGIN, "\r\n0\r\n\r\n"),
        "a space before the colon": (HEAD, "Transfer-Encoding : chunked\r\n\r\n0\r\n\r\n"),
        "a wrong chunk size": (HEAD, CHUNKED, "\r\nzz\r\n", LOGIN, "\r\n0\r\n\r\n"),
        "a huge chunk size": (HEAD, CHUNKED, "\r\nffffffffffffffffff\r\n", LOGIN),
        "a negative chunk size": (HEAD, CHUNKED, "\r\n-1\r\n", LOGIN),
        "long chunk extensions": (HEAD, CHUNKED, "\r\n22;" + "a" * 100_000 + "\r\n", LOGIN, "\r\n0\r\n\r\n"),
        "trailers": (HEAD, CHUNKED, "\r\n22\r\n", LOGIN, "\r\n0\r\nAuthorization: Bearer x\r\n\r\n"),
        "line feeds alone": (HEAD.replace("\r\n", "\n"), "Content-Length: 34\n\n", LOGIN),
        "HTTP/1.0": (HEAD.replace("1.1", "1.0"), "Content-Length: 34\r\n\r\n", LOGIN),
        "HTTP/0.9": ("GET /livez\r\n\r\n",),
        "HTTP/2 without asking": ("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",),
        "HTTP/9.9": ("GET /livez HTTP/9.9\r\nHost: 127.0.0.1\r\n\r\n",),
        "TLS": (b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + b"\x00" * 200 + b"\r\n\r\n",),
        "noise": (bytes(range(256)) * 8 + b"\r\n\r\n",),
        "no host": ("GET /livez HTTP/1.1\r\n\r\n",),
        "two hosts": ("GET /livez HTTP/1.1\r\nHost: 127.0.0.1\r\nHost: evil.example\r\n\r\n",),
        "an absolute target": ("GET http://evil.example/livez HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n",),
        "an asterisk": ("OPTIONS * HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n",),
        "CONNECT": ("CONNECT evil.example:443 HTTP/1.1\r\nHost: evil.example:443\r\n\r\n",),
        "a NUL in the target": (b"GET /live\x00z HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n",),
        "bytes in the target": (b"GET /\xff\xfe HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n",),
        "a NUL in a header": (b"GET /livez HTTP/1.1\r\nHost: 127.0.0.1\r\nX-A: a\x00b\r\n\r\n",),
        "bytes in a header": (b"GET /livez HTTP/1.1\r\nHost: 127.0.0.1\r\nAuthorization: Bearer \xff\xfe\r\n\r\n",),
        "a bare CR in a header": (b"GET /livez HTTP/1.1\r\nHost: 127.0.0.1\r\nX-A: a\rb\r\n\r\n",),
        "a nameless header": (b"GET /livez HTTP/1.1\r\nHost: 127.0.0.1\r\n: a\r\n\r\n",),
        "a target of 100 kB": ("GET /" + "a" * 100_000 + " HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n",),
        "a header of 1 MB": ("GET /livez HTTP/1.1\r\nHost: 127.0.0.1\r\nX-A: " + "a" * MIB + "\r\n\r\n",),
        "10,000 headers": ("GET /livez HTTP/1.1\r\nHost: 127.0.0.1\r\n" + "X-A: b\r\n" * 10_000 + "\r\n",),
        "an expectation": (HEAD, "Expect: 200-maybe\r\nContent-Length: 34\r\n\r\n", LOGIN),
        "an upgrade": ("GET /livez HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: Upgrade\r\nUpgrade: x\r\n\r\n",),
    }

    @pytest.mark.parametrize("parts", GAMES.values(), ids=GAMES.keys())
    def test_of_any_kind_gets_one_clean_answer_or_none(self, edge, wire, parts):
        check(wire.send(*parts, patience=1), server=edge)

    def test_of_two_requests_at_once_is_answered_in_order(self, edge):
        with socket.create_connection(("127.0.0.1", edge.port), timeout=BOUND_SECONDS) as connection:
            one = "GET /livez HTTP/1.1\r\nHost: 127.0.0.1\r\nX-Correlation-ID: pipelined-%d\r\n\r\n"
            connection.sendall((one % 1 + one % 2).encode())
            raw = b""
            while raw.lower().count(b"x-correlation-id: pipelined-") < 2:
                raw += connection.recv(65536)
        assert raw.find(b"pipelined-1") < raw.find(b"pipelined-2")

    def test_whose_body_never_comes_whole_is_no_request(self, edge, wire):
        answer = wire.send(HEAD, "Content-Length: 34\r\n\r\n", LOGIN[:10], patience=1)
        assert answer is None or answer.status in (400, 408)
        check(None, server=edge)


class TestHeldConnections:
    """150 clients that never finish: with no head, half a head, half a body, or an answer that they do not read."""

    NUMBER = 150
    HALVES = (
        "",
        "POST /api/v1/auth/login HT",
        HEAD,
        HEAD + "Content-Length: 34\r\n\r\n",
        HEAD + 'Content-Length: 34\r\n\r\n{"username": ',
        HEAD + "Transfer-Encoding: chunked\r\n\r\n5\r\n{",
        "GET /api/schema HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n",
    )

    def test_affect_no_other_client(self, edge):
        with edge.client() as client:
            # The first reader waits until the calls are described, which is no held connection's doing.
            assert client.get(f"{edge.url}/api/schema").status_code == 200
        with contextlib.ExitStack() as held:
            for number in range(self.NUMBER):
                connection = held.enter_context(socket.create_connection(("127.0.0.1", edge.port), timeout=120))
                connection.sendall(self.HALVES[number % len(self.HALVES)].encode())
            with edge.client() as client:
                for call in (
                    lambda: client.get(f"{edge.url}/readyz"),
                    lambda: client.get("/auth/me", headers={"Authorization": "Bearer x"}),
                    lambda: client.post("/auth/login", json={"username": "a", "password": "b"}),
                ):
                    # All of the connections are held all the time; a busy machine delays one of five calls, not each.
                    assert min(self.seconds(call) for _ in range(5)) < BOUND_SECONDS

    def seconds(self, call):
        began = time.monotonic()
        assert_acceptable(call())
        return time.monotonic() - began


class TestAuthorization:
    @pytest.mark.parametrize(
        "line", [b"", b"Bearer", b"Bearer " + b"a" * 30_000, b"Bearer \xc3\xa9\xff", b"Basic Og=="]
    )
    def test_of_junk_is_refused(self, wire, line):
        head = b"GET /api/v1/auth/me HTTP/1.1\r\nHost: 127.0.0.1\r\nAuthorization: " + line + b"\r\n\r\n"
        answer = wire.send(head)
        if answer.status not in SERVERS_OWN:
            assert_problem(answer, status=401)

    def test_given_twice_never_passes_for_one(self, edge, wire):
        with edge.client() as client:
            body = {"username": "twofold", "email": "twofold@example.com", "password": PASSWORD}
            answer = client.post("/auth/register", json=body)
            if answer.status_code == 409:
                answer = client.post("/auth/login", json={"username": "twofold", "password": PASSWORD})
        good = answer.json()["tokens"]["access_token"]
        for first, second in ((good, "x"), ("x", good), (good, good)):
            answer = wire.send(
                "GET /api/v1/auth/me HTTP/1.1\r\nHost: 127.0.0.1\r\n"
                f"Authorization: Bearer {first}\r\nAuthorization: Bearer {second}\r\n\r\n"
            )
            assert_acceptable(answer)
            assert answer.status in ((400, 401) if first != second else (200, 400, 401)), (first == good, answer)


class TestUnderscores:
    def test_do_not_smuggle_a_header_past_its_name(self, edge, wire):
        answer = wire.send("GET /livez HTTP/1.1\r\nHost: 127.0.0.1\r\nX_Correlation_ID: smuggled-1234\r\n\r\n")
        assert answer.headers["x-correlation-id"] != "smuggled-1234"


class TestJSON:
    def test_refusals_are_the_same_as_everywhere(self, edge):
        bodies = [
            b"[]",
            b"{",
            b'{"a": 1, "a": 2}',
            b'{"username": "\\ud800"}',
            b"\xef\xbb\xbf{}",
            b"\xff",
            b'{"a": "\\u0000"}',
        ]
        with edge.client() as client:
            for raw in bodies:
                answer = client.post("/auth/login", content=raw, headers={"Content-Type": "application/json"})
                assert_problem(answer, status=400, code="malformed_request")

    def test_of_every_error_is_of_one_shape(self, edge):
        with edge.client() as client:
            for method, path, status in (
                ("GET", "/nowhere", 404),
                ("GET", "/auth/login/", 404),
                ("GET", "/auth/login", 405),
                ("GET", "/auth/me", 401),
                ("POST", "/auth/login", 415),
                ("OPTIONS", "/auth/login", 405),
            ):
                answer = client.request(method, path, content=b"x" if method == "POST" else None)
                assert_problem(answer, status=status)
                assert json.loads(answer.content)["instance"] == f"/api/v1{path}"
