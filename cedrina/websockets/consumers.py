"""WebSocket consumers of no app: the health of this server, and paths that do not exist.

Close codes from 4400 on are the HTTP status plus 4000.
"""

import asyncio
import json
import time
from contextlib import suppress
from typing import Any
from urllib.parse import urlsplit

from asgiref.sync import sync_to_async
from channels.generic.websocket import AsyncWebsocketConsumer
from django.conf import settings
from django.db import connection
from django.http.request import validate_host

from cedrina.operations.health import readiness

INTERVAL_SECONDS = 10.0
CACHE_SECONDS = 5.0
MAX_FRAME_BYTES = 16 * 1024
CLOSE_FORBIDDEN = 4403
CLOSE_UNKNOWN_PATH = 4404
CLOSE_MESSAGE_TOO_BIG = 1009


def is_foreign_origin(scope: Any) -> bool:
    """Return whether the Origin header names a foreign page. Clients that are no browsers send no Origin."""
    origins = [value.decode("latin-1") for name, value in scope["headers"] if name == b"origin"]
    return any(origin not in settings.CORS_ALLOWED_ORIGINS and not _is_own_origin(origin) for origin in origins)


def _is_own_origin(origin: str) -> bool:
    if origin == settings.PUBLIC_URL:
        return True
    try:
        host = urlsplit(origin).hostname or ""
    except ValueError:  # no URL
        return False
    return not settings.IS_HTTPS and validate_host(host, settings.ALLOWED_HOSTS)


class CachedReadiness:
    """The readiness of this process, read once in CACHE_SECONDS for all WebSockets."""

    def __init__(self) -> None:
        self._lock = asyncio.Lock()
        self._status = ""
        self._valid_until = 0.0

    async def status(self) -> str:
        async with self._lock:
            if time.monotonic() > self._valid_until:
                is_ready = await sync_to_async(_read_readiness)()
                self._status = "ok" if is_ready else "unavailable"
                self._valid_until = time.monotonic() + CACHE_SECONDS
            return self._status


def _read_readiness() -> bool:
    connection.close_if_unusable_or_obsolete()
    return readiness.is_ready()


cached_readiness = CachedReadiness()


class HealthConsumer(AsyncWebsocketConsumer):
    """Sends the readiness of this server, at once and every INTERVAL_SECONDS. Messages of the client are discarded."""

    _sending: asyncio.Task[None] | None = None

    async def connect(self) -> None:
        await self.accept()  # a close before accept() would reach the client as a bare 403
        if is_foreign_origin(self.scope):
            await self.close(code=CLOSE_FORBIDDEN)
            return
        self._sending = asyncio.create_task(self._send_status())

    async def disconnect(self, code: int) -> None:
        if self._sending is not None:
            self._sending.cancel()
            with suppress(asyncio.CancelledError):
                await self._sending

    async def receive(self, text_data: str | None = None, bytes_data: bytes | None = None) -> None:
        """Discard a message. Close the connection when the message is larger than MAX_FRAME_BYTES."""
        size = len(bytes_data) if bytes_data is not None else len((text_data or "").encode())
        if size > MAX_FRAME_BYTES:
            await self.close(code=CLOSE_MESSAGE_TOO_BIG)

    async def _send_status(self) -> None:
        while True:
            await self.send(json.dumps({"type": "health", "status": await cached_readiness.status()}))
            await asyncio.sleep(INTERVAL_SECONDS)


class UnknownPathConsumer(AsyncWebsocketConsumer):
    """Closes connections to unknown paths. It accepts first, so that the client receives the close code."""

    async def connect(self) -> None:
        await self.accept()
        await self.close(code=CLOSE_FORBIDDEN if is_foreign_origin(self.scope) else CLOSE_UNKNOWN_PATH)
