"""Figures that all open consoles share: each is read at most once a second in a process."""

import threading
import time
from collections.abc import Callable
from datetime import datetime
from typing import Generic, TypeVar

T = TypeVar("T")
SECONDS = 1.0


class CachedFigure(Generic[T]):
    """What a function last returned. Whoever asks while it runs waits for that one answer.

    ``seconds`` is for how long an answer is kept. An error is kept for nobody.
    """

    def __init__(
        self,
        read: Callable[[datetime], T],
        *,
        seconds: float = SECONDS,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._read = read
        self._seconds = seconds
        self._clock = clock
        self._lock = threading.Lock()
        self._kept: tuple[float, T] | None = None

    def get(self, *, now: datetime) -> T:
        """Return the figure, read at ``now`` if none is kept.

        Raises: what the function raises.
        """
        with self._lock:
            if self._kept is not None and self._clock() < self._kept[0]:
                return self._kept[1]
            value = self._read(now)
            self._kept = (self._clock() + self._seconds, value)
            return value

    def forget(self) -> None:
        """Read anew the next time: an operator has changed something."""
        with self._lock:
            self._kept = None
