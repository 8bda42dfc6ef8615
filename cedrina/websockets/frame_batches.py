"""Frames that many sockets are sent alike.

A frame of a server is not masked (RFC 6455, 5.1), so its bytes are the same for all clients. A server with the
extension of ASGI that ``EXTENSION`` names writes them as they are: one system call for all frames of a batch, and no
work for each frame. It is called directly: ASGI's ``send`` and a timer for a client that keeps up took half of the
CPU that Python spent on a batch.
"""

from collections.abc import Sequence
from functools import cached_property
from typing import Any, Protocol

EXTENSION = "cedrina.frame_batch"

FRAMES_OF_BATCH = 100  # a client must take them within the time that one send may take

_TEXT = 0x81  # the last fragment of a text message (RFC 6455, 5.2)
_LENGTH_16, _LENGTH_64 = 126, 127


class FrameBatch:
    """Texts, each the message of a frame of its own. ``last_event`` is the id of the event in the last one."""

    def __init__(self, texts: Sequence[bytes], *, last_event: str = "") -> None:
        self.texts = texts
        self.last_event = last_event

    @cached_property
    def wire(self) -> bytes:
        """The bytes of all frames, made once."""
        return b"".join(part for text in self.texts for part in (_header(len(text)), text))


def batches_of(frames: Sequence[tuple[str, bytes]]) -> list[FrameBatch]:
    """Return batches of at most ``FRAMES_OF_BATCH`` frames, given the event's id and the text of each frame."""
    parts = [frames[at : at + FRAMES_OF_BATCH] for at in range(0, len(frames), FRAMES_OF_BATCH)]
    return [FrameBatch([text for _, text in part], last_event=part[-1][0]) for part in parts]


class BatchWriter(Protocol):
    """What a server with the extension gives for each socket, as ``writer``."""

    def write_batch(self, batch: FrameBatch) -> bool:
        """Write all frames of a batch, or keep them; return whether the client keeps up."""

    async def wait_until_writable(self) -> None:
        """Wait while too much waits to be written."""


def writer_of(scope: Any) -> BatchWriter | None:
    """Return what writes batches to the client of a scope; ``None`` if its server has no such extension."""
    extension = (scope.get("extensions") or {}).get(EXTENSION)
    writer: BatchWriter | None = extension and extension["writer"]
    return writer


def _header(length: int) -> bytes:
    if length < _LENGTH_16:
        return bytes((_TEXT, length))
    if length < 1 << 16:
        return bytes((_TEXT, _LENGTH_16)) + length.to_bytes(2, "big")
    return bytes((_TEXT, _LENGTH_64)) + length.to_bytes(8, "big")
