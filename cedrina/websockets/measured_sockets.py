"""Count the open WebSockets of each path."""

from collections.abc import Callable
from typing import Any

from cedrina_base.measures import Gauge

OPEN = Gauge("sockets_open", "Open WebSockets.", ["path"])


def counted(path: str, application: Callable[..., Any]) -> Callable[..., Any]:
    """Return an ASGI application whose open sockets are counted under the pattern of its path."""

    async def counting(scope: Any, receive: Any, send: Any) -> None:
        OPEN.add(path)
        try:
            await application(scope, receive, send)
        finally:
            OPEN.add(path, number=-1)

    return counting
