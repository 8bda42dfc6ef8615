"""Keep a result for a short time, so that many who ask cause it to be made once."""

import threading
import time
from collections.abc import Callable
from typing import Generic, TypeVar

T = TypeVar("T")


class Recent(Generic[T]):
    """A result that is made again when it is older than ``seconds``. One thread makes it, the others wait for it."""

    def __init__(self, make: Callable[[], T], *, seconds: float, clock: Callable[[], float] = time.monotonic) -> None:
        self._make = make
        self._seconds = seconds
        self._clock = clock
        self._lock = threading.Lock()
        self._kept: tuple[float, T] | None = None

    def get(self) -> T:
        """Return the result, at most ``seconds`` old."""
        with self._lock:
            if self._kept is None or self._clock() - self._kept[0] >= self._seconds:
                self._kept = (self._clock(), self._make())
            return self._kept[1]

    def forget(self) -> None:
        """Let the next call make the result anew."""
        with self._lock:
            self._kept = None
