"""What the consumers of authenticated sockets have in common: handshake, limits, sending and closing."""

import asyncio
import logging
from collections.abc import Mapping
from contextlib import suppress
from typing import Any

import orjson
from asgiref.sync import sync_to_async
from channels.generic.websocket import AsyncWebsocketConsumer
from django.db import Error
from django.utils import translation
from rest_framework.exceptions import ParseError

from cedrina.http.json import parse_object
from cedrina.http.languages import negotiate_language
from cedrina.http.problem_catalogue import PROBLEMS
from cedrina.websockets import authentication, close_codes, frame_batches
from cedrina.websockets.authentication import HandshakeRefused, SocketCaller
from cedrina.websockets.frame_batches import FrameBatch
from cedrina.websockets.frame_limits import MAX_FRAME_BYTES, FrameBudget
from cedrina.websockets.origins import is_foreign_origin
from cedrina.websockets.session_watch import watch_of_process
from security_events.live.feed import FeedStopped

# A client that has not taken what was sent to it for so long is dropped.
SEND_SECONDS = 10.0
NO_CHANNEL_LAYER = "none"  # consumers get no channel of their own: with Redis, each would hold a subscription there

log = logging.getLogger(__name__)


class AuthenticatedConsumer(AsyncWebsocketConsumer):
    """Authenticates the handshake, then sends what ``run`` sends until the client or the session ends.

    It accepts before it closes, so that the client receives the code: a refused handshake is a bare 403.
    """

    channel_layer_alias = NO_CHANNEL_LAYER
    action: str | None = None
    # How long a socket whose session has ended goes on, so that it is told why.
    farewell_seconds = 0.0
    caller: SocketCaller
    language = "en"
    _running: asyncio.Task[None] | None = None
    _closing: asyncio.Task[None] | None = None

    async def connect(self) -> None:
        self._frames = FrameBudget(now=asyncio.get_running_loop().time())
        accept_language = next((value for name, value in self.scope["headers"] if name == b"accept-language"), b"")
        self.language = negotiate_language(accept_language.decode("latin-1"))
        try:
            await self._authenticate()
            await self.open_feed()
        except HandshakeRefused as refusal:
            await self._refuse(refusal.code)
        except (FeedStopped, Error):
            await self._refuse(close_codes.UNAVAILABLE)
        else:
            await self.accept(subprotocol=authentication.chosen_subprotocol(self.scope))
            self._running = asyncio.create_task(self._run())

    async def disconnect(self, code: int) -> None:
        watch_of_process().leave(self)
        self.close_feed()
        for task in (self._running, self._closing):
            if task is not None:
                task.cancel()
                with suppress(asyncio.CancelledError):
                    await task

    async def receive(self, text_data: str | None = None, bytes_data: bytes | None = None) -> None:
        """Take a message of the client: a JSON object with a ``type``."""
        if not self._frames.spend(now=asyncio.get_running_loop().time()):
            self.end(close_codes.TOO_MANY_REQUESTS)
        elif text_data is None:
            self.end(close_codes.UNSUPPORTED_DATA)
        elif len(data := text_data.encode()) > MAX_FRAME_BYTES:
            self.end(close_codes.MESSAGE_TOO_BIG)
        elif self._running is not None and self._closing is None:
            try:
                message = parse_object(data)
            except ParseError:
                message = {}
            with suppress(TimeoutError, OSError):  # whoever does not read is dropped by what ``run`` sends
                await self.take(message)

    async def open_feed(self) -> None:
        """Begin to listen.

        Raises: FeedStopped; django.db.Error.
        """
        raise NotImplementedError

    def close_feed(self) -> None:
        """Listen no more. This may be called before ``open_feed``, and twice."""
        raise NotImplementedError

    async def run(self) -> None:
        """Send frames until this is cancelled.

        Raises: FeedStopped; django.db.Error.
        """
        raise NotImplementedError

    async def take(self, message: Mapping[str, Any]) -> None:
        """Take a message of the client, empty for what is no JSON object. By default there is none that is known.

        Raises: TimeoutError, OSError.
        """
        del message
        await self.send_error("malformed_request")

    def end(self, code: int) -> None:
        """Begin to close the socket; only the first code counts."""
        if self._closing is None:
            self._closing = asyncio.create_task(self._close(code))

    async def send_object(self, message: Mapping[str, Any]) -> None:
        """Send one frame.

        Raises: TimeoutError, OSError.
        """
        async with asyncio.timeout(SEND_SECONDS):
            await self.send(text_data=orjson.dumps(message).decode())

    async def send_frames(self, batch: FrameBatch) -> None:
        """Send frames that other sockets are sent as well.

        Raises: TimeoutError, OSError.
        """
        writer = frame_batches.writer_of(self.scope)
        if writer is not None and writer.write_batch(batch):
            return
        async with asyncio.timeout(SEND_SECONDS):
            if writer is not None:
                await writer.wait_until_writable()
                return
            for text in batch.texts:
                await self.send(text_data=text.decode())

    async def send_error(self, code: str, *, errors: list[dict[str, str]] | None = None) -> None:
        """Tell the client that its message was not understood. The socket stays open.

        Raises: TimeoutError; OSError, by some servers when the client is gone.
        """
        with translation.override(self.language):
            message: dict[str, Any] = {"type": "error", "code": code, "detail": str(PROBLEMS[code].detail)}
        if errors is not None:
            message["errors"] = errors
        await self.send_object(message)

    async def _authenticate(self) -> None:
        if is_foreign_origin(self.scope):
            raise HandshakeRefused(close_codes.FORBIDDEN)
        self.caller = await sync_to_async(authentication.authenticate)(self.scope, action=self.action)
        if not await watch_of_process().enter(self):
            raise HandshakeRefused(close_codes.TOO_MANY_REQUESTS)

    async def _run(self) -> None:
        try:
            await self.run()
        except TimeoutError:
            self.end(close_codes.TOO_MANY_REQUESTS)
        except OSError:
            pass  # the client is gone; some servers raise this instead of sending into nothing
        except (FeedStopped, Error):
            self.end(close_codes.UNAVAILABLE)
        except Exception:
            log.exception("socket_broke")
            self.end(close_codes.UNAVAILABLE)

    async def _refuse(self, code: int) -> None:
        await self.accept(subprotocol=authentication.chosen_subprotocol(self.scope))
        await self.close(code=code)

    async def _close(self, code: int) -> None:
        if code == close_codes.SESSION_ENDED:
            await asyncio.sleep(self.farewell_seconds)
        watch_of_process().leave(self)
        self.close_feed()
        if self._running is not None and self._running is not asyncio.current_task():
            self._running.cancel()
        with suppress(TimeoutError, OSError):
            async with asyncio.timeout(SEND_SECONDS):
                await self.close(code=code)
