"""Hear that other processes have committed events, and know whether one would hear it.

The receiver sends a message to itself each second. As long as these come back, hints come, too, by the same connection;
once they don't, whatever is broken, it says so, and the trail is looked at often, as if there were no layer.
"""

import asyncio
import logging
from collections.abc import Callable
from typing import Any

from security_events.live import hint_layer

ALIVE_SECONDS = 1.0
# Two messages to itself, and what Redis may take for them.
SILENCE_SECONDS = 2.5
AGAIN_SECONDS = 1.0

log = logging.getLogger(__name__)


class HintReceiver:
    """Calls a function of the event loop for each hint, and when hints begin to come or come no more."""

    def __init__(self, on_hint: Callable[[], None]) -> None:
        self._on_hint = on_hint
        self._heard_at = float("-inf")
        self._is_failing = False
        self._listening: asyncio.Task[None] | None = None
        # The layer's connections are those of the event loop: who closes them must be through before others open.
        self._using_layer = asyncio.Lock()

    @property
    def is_hearing(self) -> bool:
        """Whether hints would come, as far as is known."""
        return asyncio.get_running_loop().time() - self._heard_at < SILENCE_SECONDS

    def start(self) -> None:
        """Begin to listen, if there is a layer for hints."""
        if self._listening is None and hint_layer.is_configured():
            self._listening = asyncio.create_task(self._listen_on())

    async def stop(self) -> None:
        """Listen no more."""
        listening, self._listening = self._listening, None
        self._heard_at = float("-inf")
        if listening is not None:
            listening.cancel()
            await asyncio.gather(listening, return_exceptions=True)

    async def _listen_on(self) -> None:
        layer = hint_layer.layer()
        while True:
            async with self._using_layer:
                try:
                    await self._listen(layer)
                except Exception as error:  # noqa: BLE001 - whatever it is, the trail is looked at often meanwhile
                    self._note_failure(error)
                finally:
                    await hint_layer.forget_connections(layer)
            await asyncio.sleep(AGAIN_SECONDS)

    def _note_failure(self, error: Exception) -> None:
        self._heard_at = float("-inf")
        if not self._is_failing:
            cause = error.exceptions[0] if isinstance(error, ExceptionGroup) else error
            log.warning("event_hints_not_received: %s", type(cause).__name__)
            self._on_hint()
        self._is_failing = True

    async def _listen(self, layer: Any) -> None:
        async with asyncio.timeout(SILENCE_SECONDS):
            channel = await layer.new_channel()
            await layer.group_add(hint_layer.GROUP, channel)
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(_send_alive(layer, channel))
            while True:
                async with asyncio.timeout(SILENCE_SECONDS):
                    message = await layer.receive(channel)
                is_first = not self.is_hearing
                self._heard_at, self._is_failing = asyncio.get_running_loop().time(), False
                if is_first or message != hint_layer.ALIVE:
                    self._on_hint()


async def _send_alive(layer: Any, channel: str) -> None:
    while True:
        await layer.send(channel, hint_layer.ALIVE)
        await asyncio.sleep(ALIVE_SECONDS)
