"""WebSocket consumers that ask for no authentication: the health of this server, and paths that do not exist."""

import asyncio
import json
import time
from contextlib import suppress

from asgiref.sync import sync_to_async
from channels.generic.websocket import AsyncWebsocketConsumer
from django.db import connection

from cedrina.operations.health import readiness
from cedrina.websockets import close_codes
from cedrina.websockets.authenticated_consumer import NO_CHANNEL_LAYER
from cedrina.websockets.frame_limits import MAX_FRAME_BYTES, FrameBudget
from cedrina.websockets.origins import is_foreign_origin

INTERVAL_SECONDS = 10.0
CACHE_SECONDS = 5.0


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

    channel_layer_alias = NO_CHANNEL_LAYER
    _sending: asyncio.Task[None] | None = None

    async def connect(self) -> None:
        self._frames = FrameBudget(now=time.monotonic())
        await self.accept()  # a close before accept() would reach the client as a bare 403
        if is_foreign_origin(self.scope):
            await self.close(code=close_codes.FORBIDDEN)
            return
        self._sending = asyncio.create_task(self._send_status())

    async def disconnect(self, code: int) -> None:
        if self._sending is not None:
            self._sending.cancel()
            with suppress(asyncio.CancelledError):
                await self._sending

    async def receive(self, text_data: str | None = None, bytes_data: bytes | None = None) -> None:
        """Discard a message. Close the connection when it is larger than MAX_FRAME_BYTES, or one too many."""
        size = len(bytes_data) if bytes_data is not None else len((text_data or "").encode())
        if size > MAX_FRAME_BYTES:
            await self.close(code=close_codes.MESSAGE_TOO_BIG)
        elif not self._frames.spend(now=time.monotonic()):
            await self.close(code=close_codes.TOO_MANY_REQUESTS)

    async def _send_status(self) -> None:
        while True:
            await self.send(json.dumps({"type": "health", "status": await cached_readiness.status()}))
            await asyncio.sleep(INTERVAL_SECONDS)


class UnknownPathConsumer(AsyncWebsocketConsumer):
    """Closes connections to unknown paths. It accepts first, so that the client receives the close code."""

    channel_layer_alias = NO_CHANNEL_LAYER

    async def connect(self) -> None:
        await self.accept()
        await self.close(code=close_codes.FORBIDDEN if is_foreign_origin(self.scope) else close_codes.UNKNOWN_PATH)
