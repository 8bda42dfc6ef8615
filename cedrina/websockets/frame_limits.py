"""How much a client may send by a socket. It has little to say: a filter, and where to resume."""

MAX_FRAME_BYTES = 16 * 1024
# Frames that a client may send at once, and one after the other for ever. Pings and fragments count.
FRAMES_AT_ONCE = 100
FRAMES_PER_SECOND = 10.0


class FrameBudget:
    """The frames that one client has left: a token bucket."""

    __slots__ = ("_at", "_left")

    def __init__(self, *, now: float) -> None:
        """Begin with all of ``FRAMES_AT_ONCE``. ``now`` is in seconds, as in ``spend``."""
        self._left = float(FRAMES_AT_ONCE)
        self._at = now

    def spend(self, *, now: float) -> bool:
        """Count a frame; return whether it was within the limit."""
        self._left = min(float(FRAMES_AT_ONCE), self._left + (now - self._at) * FRAMES_PER_SECOND)
        self._at = now
        if self._left < 1:
            return False
        self._left -= 1
        return True
