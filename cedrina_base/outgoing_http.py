"""HTTP requests to addresses that operators or clients have named (OWASP ASVS 5.0, 1.3.6: server-side request forgery).

Only public addresses get a connection, unless ``CEDRINA_BASE["OUTBOUND_ALLOWED_NETWORKS"]`` names others. A name is
looked up once for each connection, and the connection goes to the address that was checked: a name that resolves to
another address the next time gains nothing. Redirects are not followed, proxies of the environment are not used, and
an answer is limited in size and in time.
"""

from __future__ import annotations

import http.client
import io
import socket
import ssl
import time
from functools import lru_cache
from typing import TYPE_CHECKING, Any, NamedTuple, Self
from urllib.parse import urlsplit

from cedrina_base.conf import base_settings
from cedrina_base.tracing import Value, call_span

if TYPE_CHECKING:
    from collections.abc import Mapping

    from ssrfguard import Policy, Resolver, Target

CONNECT_SECONDS = 5.0  # for each address
TOTAL_SECONDS = 15.0
MAX_BODY_BYTES = 64 * 1024
MAX_URL_LENGTH = 2048
_ADDRESSES_TRIED = 3
_CHUNK = 16 * 1024


class OutgoingHttpError(Exception):
    """A request that got no answer. ``reason`` is a word for logs and for operators; it has no part of the answer."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class ForbiddenUrl(OutgoingHttpError):
    """The URL, or the address that its name has now, must not be connected to."""


class OutgoingAnswer(NamedTuple):
    """The answer to a request. ``is_complete`` is false if the body was too long or too slow; then it is cut off."""

    status: int
    headers: Mapping[str, str]
    body: bytes
    is_complete: bool


def require_allowed_url(url: str) -> None:
    """Check what can be known without a lookup: scheme, port, form, and an address that stands in the URL itself.

    Raises: ForbiddenUrl.
    """
    _target(url)


class OutgoingClient:
    """Sends requests to the origin of one URL at a time, and keeps the connection for the next request.

    It is for one thread. ``resolver`` has the signature of ``socket.getaddrinfo``; what it returns is checked, too.
    """

    def __init__(self, *, resolver: Resolver | None = None, tls: ssl.SSLContext | None = None) -> None:
        self._resolver = resolver
        self._tls = tls
        self._target: Target | None = None
        self._connection: http.client.HTTPConnection | None = None
        self._socket: _DeadlineSocket | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Close the connection, if there is one."""
        if self._connection is not None:
            self._connection.close()
        if self._socket is not None:
            self._socket.finish()
        self._connection = self._socket = None

    def request(
        self,
        method: str,
        url: str,
        *,
        body: bytes = b"",
        headers: Mapping[str, str],
        total_seconds: float = TOTAL_SECONDS,
        max_body_bytes: int = MAX_BODY_BYTES,
    ) -> OutgoingAnswer:
        """Send a request and return its answer, whatever its status is.

        If a kept connection turns out to be closed, the request is sent again by a new one. So it may arrive twice, and
        its receiver must be able to tell so.

        Raises: ForbiddenUrl, OutgoingHttpError.
        """
        target = _target(url)
        attributes: dict[str, Value] = {"http.request.method": method, "server.address": target.host}
        with call_span(method, attributes) as span:
            asked = _Request(method, url, body, headers, time.monotonic() + total_seconds, max_body_bytes)
            answer = self._answer(asked, target)
            span.set("http.response.status_code", answer.status)
            return answer

    def _answer(self, asked: _Request, target: Target) -> OutgoingAnswer:
        if target != self._target:
            self.close()
        self._target = target
        is_kept = self._connection is not None
        try:
            return self._exchange(asked)
        except (http.client.RemoteDisconnected, ConnectionError) as error:
            self.close()
            if not is_kept:
                raise OutgoingHttpError("connection_lost") from error
        except (OSError, http.client.HTTPException) as error:
            self.close()
            raise OutgoingHttpError(_reason(error)) from error
        try:
            return self._exchange(asked)
        except (OSError, http.client.HTTPException) as error:
            self.close()
            raise OutgoingHttpError(_reason(error)) from error

    def _exchange(self, asked: _Request) -> OutgoingAnswer:
        connection = self._connection or self._connect(asked.deadline)
        if self._socket is not None:
            self._socket.deadline = asked.deadline
        headers = {"Accept-Encoding": "identity", **asked.headers}
        connection.request(asked.method, _path(asked.url), body=asked.body, headers=headers)
        response = connection.getresponse()
        content, is_complete = _read(response, asked.max_body_bytes)
        if not is_complete or response.will_close:
            self.close()
        return OutgoingAnswer(response.status, dict(response.headers.items()), content, is_complete)

    def _connect(self, deadline: float) -> http.client.HTTPConnection:
        # ssrfguard takes 30 ms to import, and only processes that send need it.
        import ssrfguard  # noqa: PLC0415

        assert self._target is not None  # noqa: S101 - set by request()
        target, policy = self._target, _policy()
        try:
            addresses = ssrfguard.resolve(target, policy=policy, resolver=self._resolver)
        except ssrfguard.SSRFGuardError as error:
            raise ForbiddenUrl("forbidden_address") from error
        except UnicodeError as error:
            raise OutgoingHttpError("name_not_found") from error
        opened = ssrfguard.connect(
            addresses,
            policy=policy,
            timeout=min(CONNECT_SECONDS, _remaining(deadline)),
            socket_options=[(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)],
        )
        try:
            opened.settimeout(_remaining(deadline))
            if target.scheme == "https":
                opened = (self._tls or _default_tls()).wrap_socket(opened, server_hostname=target.host)
        except BaseException:
            opened.close()
            raise
        self._socket = _DeadlineSocket(opened, deadline)
        self._connection = _OpenedConnection(target, self._socket)
        return self._connection


class _Request(NamedTuple):
    method: str
    url: str
    body: bytes
    headers: Mapping[str, str]
    deadline: float
    max_body_bytes: int


class _OpenedConnection(http.client.HTTPConnection):
    """A connection whose socket is open. It never opens another one: that would look the name up again."""

    def __init__(self, target: Target, opened: _DeadlineSocket) -> None:
        super().__init__(f"[{target.host}]" if ":" in target.host else target.host, target.port)
        self.default_port = 443 if target.scheme == "https" else 80  # else the Host header has the port
        self.sock: Any = opened

    def connect(self) -> None:
        raise http.client.NotConnected


class _DeadlineSocket:
    """What ``http.client`` needs of a socket, so that sending and reading end at the deadline (``time.monotonic``)."""

    def __init__(self, opened: socket.socket, deadline: float) -> None:
        self._opened = opened
        self.deadline = deadline

    def sendall(self, content: bytes) -> None:
        for start in range(0, len(content), _CHUNK):
            self._opened.settimeout(_remaining(self.deadline))
            self._opened.sendall(content[start : start + _CHUNK])

    def receive_into(self, buffer: Any) -> int:
        self._opened.settimeout(_remaining(self.deadline))
        return self._opened.recv_into(buffer)

    def makefile(self, _mode: str) -> io.BufferedReader:
        return io.BufferedReader(_SocketReader(self))

    def close(self) -> None:
        """Leave the socket open: ``http.client`` closes it before the last body of a connection is read."""

    def finish(self) -> None:
        self._opened.close()


class _SocketReader(io.RawIOBase):
    def __init__(self, opened: _DeadlineSocket) -> None:
        self._opened = opened

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        return self._opened.receive_into(buffer)


def _read(response: http.client.HTTPResponse, most: int) -> tuple[bytes, bool]:
    """Return the body, cut off after ``most`` bytes, and whether it is complete; at the deadline, nothing of it."""
    try:
        content = response.read(most + 1)
    except (OSError, http.client.HTTPException):
        return b"", False
    return content[:most], len(content) <= most


def _target(url: str) -> Target:
    import ssrfguard  # noqa: PLC0415 - see above

    if len(url) > MAX_URL_LENGTH or not url.isascii() or "#" in url or "\\" in url:
        raise ForbiddenUrl("malformed_url")
    try:
        target = _policy().check_url(url)
    except ssrfguard.BlockedAddressError as error:
        raise ForbiddenUrl("forbidden_address") from error
    except ssrfguard.BlockedURLError as error:
        is_address = isinstance(error.__cause__, ssrfguard.BlockedAddressError)
        raise ForbiddenUrl("forbidden_address" if is_address else "forbidden_url") from error
    # Resolvers read a name with a number at its end as an address: 0x7f.1 is 127.0.0.1 (URL Standard, 3.5).
    if target.address is None and target.host.rstrip(".").rpartition(".")[2][:1].isdigit():
        raise ForbiddenUrl("forbidden_address")
    return target


def _path(url: str) -> str:
    parts = urlsplit(url)
    return (parts.path or "/") + (f"?{parts.query}" if parts.query else "")


def _policy() -> Policy:
    return _policy_of(
        tuple(base_settings.OUTBOUND_ALLOWED_NETWORKS),
        frozenset(base_settings.OUTBOUND_ALLOWED_PORTS),
        base_settings.OUTBOUND_PLAIN_HTTP,
    )


@lru_cache(maxsize=16)
def _policy_of(networks: tuple[str, ...], ports: frozenset[int], is_plain_allowed: bool) -> Policy:
    import ssrfguard  # noqa: PLC0415 - see above

    return ssrfguard.Policy(
        allowed_schemes=frozenset({"https", "http"} if is_plain_allowed else {"https"}),
        allowed_networks=networks,  # type: ignore[arg-type] # it parses them
        allowed_ports=ports,
        max_connection_attempts=_ADDRESSES_TRIED,
    )


@lru_cache(maxsize=1)
def _default_tls() -> ssl.SSLContext:
    return ssl.create_default_context()


def _remaining(deadline: float) -> float:
    remaining = deadline - time.monotonic()
    if remaining <= 0:
        raise TimeoutError
    return remaining


def _reason(error: Exception) -> str:
    for kind, reason in _REASONS:
        if isinstance(error, kind):
            return reason
    return "connection_failed"


_REASONS: tuple[tuple[type[Exception], str], ...] = (
    (TimeoutError, "timeout"),
    (socket.gaierror, "name_not_found"),
    (ssl.SSLError, "tls_failed"),
    (http.client.HTTPException, "malformed_answer"),
    (ConnectionError, "connection_lost"),
)
