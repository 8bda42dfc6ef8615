"""Sockets that belong to no app: the health of this server, and the answer to paths that lead nowhere."""

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

EVERY_SECONDS = 10.0
KNOWN_FOR_SECONDS = 5.0
LARGEST_FRAME = 16 * 1024
NOT_ALLOWED = 4403
NOWHERE = 4404
TOO_LARGE = 1009


def is_foreign(scope: Any) -> bool:
    """Whether a browser says that a page of somebody else opened this socket. No Origin means no browser."""
    origins = [value.decode("latin-1") for name, value in scope["headers"] if name == b"origin"]
    return any(origin not in settings.CORS_ALLOWED_ORIGINS and not _is_own(origin) for origin in origins)


def _is_own(origin: str) -> bool:
    if origin == settings.PUBLIC_URL:
        return True
    try:
        host = urlsplit(origin).hostname or ""
    except ValueError:  # not an address at all
        return False
    return not settings.IS_HTTPS and validate_host(host, settings.ALLOWED_HOSTS)


class KnownHealth:
    """One look at the database serves all sockets for a few seconds."""

    def __init__(self) -> None:
        self._lock = asyncio.Lock()
        self._status = ""
        self._known_until = 0.0

    async def status(self) -> str:
        async with self._lock:
            if time.monotonic() > self._known_until:
                is_ready = await sync_to_async(_look)()
                self._status = "ok" if is_ready else "unavailable"
                self._known_until = time.monotonic() + KNOWN_FOR_SECONDS
            return self._status


def _look() -> bool:
    connection.close_if_unusable_or_obsolete()
    return readiness.is_ready()


known_health = KnownHealth()


class HealthConsumer(AsyncWebsocketConsumer):
    """Tell anybody, now and every ten seconds, whether this server can do its work. It only speaks."""

    _beat: asyncio.Task[None] | None = None

    async def connect(self) -> None:
        await self.accept()  # a close before accept() would reach the client as a bare 403
        if is_foreign(self.scope):
            await self.close(code=NOT_ALLOWED)
            return
        self._beat = asyncio.create_task(self._tell())

    async def disconnect(self, code: int) -> None:
        if self._beat is not None:
            self._beat.cancel()
            with suppress(asyncio.CancelledError):
                await self._beat

    async def receive(self, text_data: str | None = None, bytes_data: bytes | None = None) -> None:
        """Drop what the client sends, and the client when it sends too much."""
        size = len(bytes_data) if bytes_data is not None else len((text_data or "").encode())
        if size > LARGEST_FRAME:
            await self.close(code=TOO_LARGE)

    async def _tell(self) -> None:
        while True:
            await self.send(json.dumps({"type": "health", "status": await known_health.status()}))
            await asyncio.sleep(EVERY_SECONDS)


class NowhereConsumer(AsyncWebsocketConsumer):
    """Accept, so that the client can read the code, and close."""

    async def connect(self) -> None:
        await self.accept()
        await self.close(code=NOT_ALLOWED if is_foreign(self.scope) else NOWHERE)
