"""The keys of the setting ``FURTHER_JWKS`` in this process, read again at most each three seconds.

While the database is unavailable, those that were read last are published.
"""

import threading
import time
from collections.abc import Mapping, Sequence
from typing import Any

from django.db import Error as DatabaseError

from tokens.conf import token_settings

_MAX_AGE_SECONDS = 3.0


class FurtherKeys:
    """What is published beside the signing keys."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self.clear()

    def clear(self) -> None:
        """Forget all keys, and read them again before the next use."""
        self._keys: tuple[Mapping[str, Any], ...] = ()
        self._read_at = float("-inf")

    def jwks(self) -> Sequence[Mapping[str, Any]]:
        """Return the keys as JSON Web Keys."""
        if time.monotonic() - self._read_at >= _MAX_AGE_SECONDS and self._lock.acquire(blocking=False):
            try:
                self._read_at = time.monotonic()  # also when reading fails, so that an outage is not asked each time
                self._keys = tuple(token_settings.FURTHER_JWKS())
            except DatabaseError:
                pass  # the signing keys are served without the database, too; whoever needs the others asks again
            finally:
                self._lock.release()
        return self._keys


further_keys = FurtherKeys()
