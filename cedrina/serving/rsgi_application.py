"""The RSGI application: HTTP from granian, by granian's own interface. A slow client occupies no thread."""

import sys
from functools import partial
from typing import Any, Protocol

from granian.rsgi import ProtocolClosed  # type: ignore[attr-defined]  # not in its stub

from cedrina.serving.request_processing import ClientDisconnected, RequestHandler

UNPREFIXED_HEADERS = {"content-type": "CONTENT_TYPE", "content-length": "CONTENT_LENGTH"}  # RFC 3875, 4.1


class RsgiScope(Protocol):
    """The attributes of a request that granian passes to an application (RSGI 1.x)."""

    http_version: str
    server: str
    client: str
    scheme: str
    method: str
    path: str
    query_string: str
    authority: str | None
    headers: Any


class RsgiApplication:
    """An RSGI application. Requests are converted to WSGI's form, as Django's WSGI handler expects them."""

    def __init__(self, request_handler: RequestHandler) -> None:
        self._request_handler = request_handler

    async def __rsgi__(self, scope: RsgiScope, protocol: Any) -> None:
        environ = build_environ(scope)
        has_length, is_chunked = "CONTENT_LENGTH" in environ, "HTTP_TRANSFER_ENCODING" in environ
        if not has_length:
            environ.pop("HTTP_TRANSFER_ENCODING", None)
        try:
            status, headers, body = await self._request_handler.handle(
                environ,
                protocol if has_length or is_chunked else None,
                # Each chunk would cost two changes of threads. With both headers the length is not enforced.
                read_whole=None if is_chunked else partial(_read_whole, protocol),
            )
        except ClientDisconnected:
            return
        protocol.response_bytes(status, headers, b"" if scope.method == "HEAD" else body)


async def _read_whole(protocol: Any) -> bytes:
    try:
        return await protocol()  # type: ignore[no-any-return]
    except ProtocolClosed as error:
        raise ClientDisconnected from error


def build_environ(scope: RsgiScope) -> dict[str, Any]:
    """Return a request in WSGI's form (PEP 3333)."""
    server, _, port = scope.server.rpartition(":")
    environ: dict[str, Any] = {
        "REQUEST_METHOD": scope.method,
        "SCRIPT_NAME": "",
        "PATH_INFO": scope.path.encode().decode("latin-1"),
        "QUERY_STRING": scope.query_string,
        "SERVER_PROTOCOL": f"HTTP/{scope.http_version}",
        "SERVER_NAME": server,
        "SERVER_PORT": port,
        "REMOTE_ADDR": scope.client,
        "wsgi.version": (1, 0),
        "wsgi.url_scheme": scope.scheme,
        "wsgi.errors": sys.stderr,
        "wsgi.multithread": True,
        "wsgi.multiprocess": True,
        "wsgi.run_once": False,
    }
    for name, value in scope.headers.items():
        # WSGI writes underscores and hyphens alike: a forged X_Forwarded_For would pass for the proxy's header.
        if "_" in name:
            continue
        key = UNPREFIXED_HEADERS.get(name) or f"HTTP_{name.upper().replace('-', '_')}"
        environ[key] = f"{environ[key]},{value}" if key in environ else value
    if scope.authority and "HTTP_HOST" not in environ:
        environ["HTTP_HOST"] = scope.authority
    return environ
