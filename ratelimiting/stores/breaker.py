"""When to stop asking a server that does not answer, and when to ask again."""

import threading
import time
from collections.abc import Callable


class CircuitBreaker:
    """Open after some failures in a row. Then one caller at a time tries, once each pause, until one succeeds."""

    def __init__(self, *, failures: int, pause: float, clock: Callable[[], float] = time.monotonic) -> None:
        self.pause = pause
        self._most_failures = failures
        self._clock = clock
        self._failures = 0
        self._is_open = self._is_probing = False
        self._next_probe = 0.0
        self._lock = threading.Lock()

    @property
    def is_open(self) -> bool:
        """Whether callers are kept away."""
        return self._is_open

    def admits(self) -> bool:
        """Whether this caller may ask. One that may has to say how it went."""
        if not self._is_open:
            return True
        with self._lock:
            if self._is_open and (self._is_probing or self._clock() < self._next_probe):
                return False
            self._is_probing = self._is_open
            return True

    def succeeded(self) -> bool:
        """Note an answer, and say whether it closed the circuit."""
        if not self._failures:
            return False
        with self._lock:
            was_open = self._is_open
            self._failures, self._is_open, self._is_probing = 0, False, False
            return was_open

    def abandoned(self) -> None:
        """Note that nothing was learnt of the server."""
        with self._lock:
            self._is_probing = False

    def failed(self) -> bool:
        """Note that none came, and say whether that opened the circuit."""
        with self._lock:
            self._failures += 1
            was_open, self._is_probing = self._is_open, False
            if self._failures < self._most_failures:
                return False
            self._is_open = True
            self._next_probe = self._clock() + self.pause
            return not was_open
