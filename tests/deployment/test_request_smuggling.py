"""Requests that two servers could read differently: refused, or read alike, end to end."""

import hashlib
import hmac
import secrets

import psycopg
import pytest

from tests.deployment.conftest import HOST
from tests.deployment.streams import answers_in
from tests.programs import served

LOGIN = f"POST /api/v1/auth/login HTTP/1.1\r\nHost: {HOST}\r\nContent-Type: application/json\r\n".encode()


def hidden(name):
    """Return a request that would be seen in the events if anybody took it for one."""
    body = f'{{"username":"{name}","password":"x"}}'.encode()
    return LOGIN + b"Connection: close\r\nContent-Length: %d\r\n\r\n" % len(body) + body


def chunked(body):
    return b"%x\r\n%s\r\n0\r\n\r\n" % (len(body), body) if body else b"0\r\n\r\n"


def cl_te(inner):
    body = chunked(b"") + inner
    return LOGIN + b"Content-Length: %d\r\nTransfer-Encoding: chunked\r\n\r\n" % len(body) + body


def te_cl(inner):
    body = chunked(inner)
    return LOGIN + b"Content-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n" + body


def with_encoding(*lines):
    def request(inner):
        body = chunked(b"") + inner
        return LOGIN + b"".join(lines).replace(b"LENGTH", b"%d" % len(body)) + b"\r\n" + body

    return request


LENGTH = b"Content-Length: LENGTH\r\n"
ATTACKS = {
    "CL.TE": cl_te,
    "TE.CL": te_cl,
    "TE.TE": with_encoding(b"Transfer-Encoding: chunked\r\n", b"Transfer-Encoding: identity\r\n", LENGTH),
    "TE twice": with_encoding(b"Transfer-Encoding: chunked\r\n", b"Transfer-Encoding: chunked\r\n", LENGTH),
    "TE list": with_encoding(b"Transfer-Encoding: chunked, identity\r\n", LENGTH),
    "TE unknown": with_encoding(b"Transfer-Encoding: xchunked\r\n", LENGTH),
    "TE gzip": with_encoding(b"Transfer-Encoding: gzip, chunked\r\n", LENGTH),
    "TE space before colon": with_encoding(b"Transfer-Encoding : chunked\r\n", LENGTH),
    "TE tab": with_encoding(b"Transfer-Encoding:\tchunked\r\n", LENGTH),
    "TE vertical tab": with_encoding(b"Transfer-Encoding: \x0bchunked\r\n", LENGTH),
    "TE quoted": with_encoding(b'Transfer-Encoding: "chunked"\r\n', LENGTH),
    "TE folded": with_encoding(b"Transfer-Encoding:\r\n chunked\r\n", LENGTH),
    "TE hidden in a folded line": with_encoding(b"X: y\r\n Transfer-Encoding: chunked\r\n", LENGTH),
    "TE by bare LF": with_encoding(b"X: y\nTransfer-Encoding: chunked\r\n", LENGTH),
    "TE by bare CR": with_encoding(b"X: y\rTransfer-Encoding: chunked\r\n", LENGTH),
    "TE underscore": with_encoding(b"Transfer_Encoding: chunked\r\n", LENGTH),
    "TE with NUL": with_encoding(b"Transfer-Encoding: chunked\x00\r\n", LENGTH),
    "TE in capitals": with_encoding(b"Transfer-Encoding: CHUNKED\r\n", LENGTH),
    "CL twice": with_encoding(b"Content-Length: 0\r\n", LENGTH),
    "CL list": with_encoding(b"Content-Length: 0, 0\r\n"),
    "CL with plus": with_encoding(b"Content-Length: +0\r\n"),
    "CL negative": with_encoding(b"Content-Length: -1\r\n"),
    "CL hexadecimal": with_encoding(b"Content-Length: 0x0\r\n"),
    "CL huge": with_encoding(b"Content-Length: 99999999999999999999999\r\n"),
    "CL space before colon": with_encoding(b"Content-Length : 0\r\n"),
    "CL underscore": with_encoding(b"Content_Length: 0\r\n", LENGTH),
    "CL by bare LF": with_encoding(b"X: y\nContent-Length: 0\r\n"),
    "HTTP/1.0 with TE": lambda inner: cl_te(inner).replace(b"HTTP/1.1\r\n", b"HTTP/1.0\r\n", 1),
    "chunk extension": lambda inner: LOGIN + b"Transfer-Encoding: chunked\r\n\r\n2;x=\r\n{}\r\n0;\n\r\n" + inner,
    "chunk extension with LF": lambda inner: LOGIN + b"Transfer-Encoding: chunked\r\n\r\n2;\n{}\r\n0\r\n\r\n" + inner,
    "chunk size too large": lambda inner: LOGIN + b"Transfer-Encoding: chunked\r\n\r\n" + b"f" * 17 + b"\r\n" + inner,
    "chunk size negative": lambda inner: LOGIN + b"Transfer-Encoding: chunked\r\n\r\n-1\r\n" + inner,
    "chunk without its end": lambda inner: LOGIN + b"Transfer-Encoding: chunked\r\n\r\n2\r\n{}X\r\n0\r\n\r\n" + inner,
    "trailers": lambda inner: (
        LOGIN + b"Transfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n0\r\nContent-Length: 4\r\nHost: x\r\n\r\n" + inner
    ),
    "space in a name": with_encoding(b"Content Length: 0\r\n", LENGTH),
    "line without a name": with_encoding(b": chunked\r\n", LENGTH),
    "GET with a body": lambda inner: (
        f"GET /livez HTTP/1.1\r\nHost: {HOST}\r\nContent-Length: ".encode() + b"%d\r\n\r\n" % len(inner) + inner
    ),
    "upgrade to h2c": lambda inner: (
        f"GET /livez HTTP/1.1\r\nHost: {HOST}\r\nConnection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\n"
        f"HTTP2-Settings: AAMAAABkAAQAAP__\r\nContent-Length: ".encode()
        + b"%d\r\n\r\n" % len(inner)
        + inner
    ),
    "upgrade that is refused": lambda inner: (
        f"GET /ws/health/ HTTP/1.1\r\nHost: {HOST}\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
        f"Sec-WebSocket-Version: 777\r\nSec-WebSocket-Key: x\r\n\r\n".encode()
        + inner
    ),
    "CONNECT": lambda inner: f"CONNECT {HOST}:80 HTTP/1.1\r\nHost: {HOST}\r\n\r\n".encode() + inner,
    "HTTP/0.9": lambda inner: b"GET /livez\r\n\r\n" + inner,
    "CRLF in the target": lambda inner: (
        (
            f"GET /livez%0d%0aContent-Length:%20{len(inner)} HTTP/1.1\r\nHost: {HOST}\r\n"
            f"Content-Length: {len(inner)}\r\n\r\n"
        ).encode()
        + inner
    ),
}
REFUSED = (
    "CL.TE",
    "TE.CL",
    "TE.TE",
    "TE twice",
    "TE list",
    "TE unknown",
    "TE gzip",
    "TE space before colon",
    "TE quoted",
    "TE folded",
    "TE with NUL",
    "CL twice",
    "CL with plus",
    "CL negative",
    "CL hexadecimal",
    "CL huge",
    "HTTP/1.0 with TE",
    "chunk size too large",
    "space in a name",
)


def times_executed(url, name):
    """Return the number of sign-ins by this name: events keep a keyed digest of unknown names."""
    pseudonym = hmac.new(served.SECRETS["SECRET_KEY"].encode(), name.encode(), hashlib.sha256).hexdigest()[:32]
    with psycopg.connect(url.replace("postgres://", "postgresql://")) as connection:
        return connection.execute(
            "SELECT count(*) FROM security_events_event WHERE actor_pseudonym = %s", [pseudonym]
        ).fetchone()[0]


@pytest.mark.attack("RFC 9112, 11.2")
class TestSmuggling:
    @pytest.mark.parametrize("attack", ATTACKS)
    def test_gets_nothing_past_nginx(self, stack, attack):
        name = secrets.token_hex(12)
        source = f"127.0.1.{1 + list(ATTACKS).index(attack)}"  # each its own, or the limits would answer
        received = stack.nginx.converse(ATTACKS[attack](hidden(name)), source=source, seconds=5)

        statuses = [status for status, _, _ in answers_in(received)]
        # An honest request on any connection to the workers gets its own answer, and nobody else's.
        for _ in range(6):
            identity = f"honest-{secrets.token_hex(6)}"
            line = f"GET /livez HTTP/1.1\r\nHost: {HOST}\r\nX-Correlation-ID: {identity}\r\nConnection: close\r\n\r\n"
            [(status, head, body)] = answers_in(stack.nginx.converse(line.encode(), source=source))
            assert (status, body) == (200, b'{"status": "ok"}')
            assert identity.encode() in head
        # What follows was executed only where nginx took it for the next request, and answered it as such.
        executed = times_executed(stack.database_url, name)
        assert executed == statuses[1:].count(401), statuses
        assert set(statuses) <= {200, 400, 401, 404, 405, 415, 422, 426}, statuses

    @pytest.mark.parametrize("attack", REFUSED)
    def test_is_refused_outright_where_a_length_is_not_clear(self, stack, attack):
        received = stack.nginx.converse(ATTACKS[attack](hidden("x")), source="127.0.1.200", seconds=5)
        assert [status for status, _, _ in answers_in(received)] == [400]

    def test_is_told_from_two_requests_on_one_connection(self, stack):
        first = f"GET /livez HTTP/1.1\r\nHost: {HOST}\r\nX-Correlation-ID: first-of-two\r\n\r\n".encode()
        second = first.replace(b"first", b"second").replace(b"\r\n\r\n", b"\r\nConnection: close\r\n\r\n")
        answers = answers_in(stack.nginx.converse(first + second, source="127.0.1.201"))
        assert [status for status, _, _ in answers] == [200, 200]
        assert b"first-of-two" in answers[0][1]
        assert b"second-of-two" in answers[1][1]
