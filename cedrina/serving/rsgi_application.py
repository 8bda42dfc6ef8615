"""HTTP from granian, by its own interface: nearly as cheap as WSGI, and slow clients cost no thread."""

import sys
from typing import Any, Protocol

from cedrina.serving.request_processing import Disconnected, Reception

SPECIAL = {"content-type": "CONTENT_TYPE", "content-length": "CONTENT_LENGTH"}


class Scope(Protocol):
    """What granian says about a request (RSGI 1.x)."""

    http_version: str
    server: str
    client: str
    scheme: str
    method: str
    path: str
    query_string: str
    authority: str | None
    headers: Any


class Edge:
    """An RSGI application in front of a WSGI one."""

    def __init__(self, reception: Reception) -> None:
        self._reception = reception

    async def __rsgi__(self, scope: Scope, protocol: Any) -> None:
        environ = build_environ(scope)
        has_body = "CONTENT_LENGTH" in environ or environ.pop("HTTP_TRANSFER_ENCODING", None)
        try:
            status, headers, body = await self._reception.answer(environ, protocol if has_body else None)
        except Disconnected:
            return
        protocol.response_bytes(status, headers, b"" if scope.method == "HEAD" else body)


def build_environ(scope: Scope) -> dict[str, Any]:
    """Spell a request as WSGI does (PEP 3333)."""
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
        # Underscores would become the same name as dashes: a forged X_Forwarded_For would pass for the proxy's header.
        if "_" in name:
            continue
        key = SPECIAL.get(name) or f"HTTP_{name.upper().replace('-', '_')}"
        environ[key] = f"{environ[key]},{value}" if key in environ else value
    if scope.authority and "HTTP_HOST" not in environ:
        environ["HTTP_HOST"] = scope.authority
    return environ
