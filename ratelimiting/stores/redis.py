"""Counts in Redis, shared by all processes: one script decides all levels of a request in one round trip."""

import hashlib
import struct
from collections.abc import Iterable, Sequence
from datetime import datetime
from functools import cache, lru_cache
from pathlib import Path
from typing import Any

import redis

from ratelimiting.algorithms import deciding
from ratelimiting.algorithms.exactness import MICROSECONDS
from ratelimiting.stores.connections import Connections
from ratelimiting.stores.protocol import StoreUnavailable, microseconds
from ratelimiting.types import Decision, Level, Mode, Quota, Verdict

_LUA = Path(__file__).parent / "lua"
SCRIPT = "\n".join(
    (_LUA / f"{name}.lua").read_text(encoding="ascii")
    for name in ("token_bucket", "sliding_window", "fixed_window", "decide")
)
DIGEST = hashlib.sha1(SCRIPT.encode(), usedforsecurity=False).hexdigest()
_REQUEST = struct.Struct("<Bd")
_LEVEL = struct.Struct("<BBddddd")
_CHARGED = _REQUEST.pack(True, 0)


class RedisStore:
    """Keys are ``prefix`` and the level's key; the prefix holds a hash tag, so that all are in one slot of a cluster.

    Every method raises StoreUnavailable when Redis does not answer within the deadline, or with an error.
    """

    def __init__(self, url: str, *, deadline: float = 0.05, prefix: str = "{rl}:") -> None:
        self._url = url
        self._deadline = deadline
        self._prefix = prefix.encode()
        self._is_moved = False
        self.connections = Connections(url, deadline=deadline)

    def decide(self, levels: Sequence[Level], *, now: datetime | None = None) -> Decision:
        """Decide about a request and charge it if it passes."""
        return self._ask(levels, _CHARGED if now is None else _REQUEST.pack(True, microseconds(now)))

    def peek(self, levels: Sequence[Level], *, now: datetime | None = None) -> Decision:
        """Say what ``decide`` would, and charge nothing."""
        return self._ask(levels, _REQUEST.pack(False, 0 if now is None else microseconds(now)))

    def reset(self, keys: Iterable[str]) -> int:
        """Forget what was counted under these keys."""
        names = [self._name(key) for key in keys]
        return int(self._run("UNLINK", *names)) if names else 0

    def close(self) -> None:
        """Close the connections that nobody uses."""
        self.connections.close()

    def _ask(self, levels: Sequence[Level], request: bytes) -> Decision:
        if not levels:
            return Decision(())
        names, packed = [], [request]
        for level in levels:
            names.append(self._name(level.key))
            packed.append(_pack(level.quota, level.cost, level.mode))
        answer = self._run("EVALSHA", DIGEST, len(names), *names, b"".join(packed))
        numbers = _numbers(len(names))
        if not isinstance(answer, bytes) or len(answer) != numbers.size:
            raise StoreUnavailable("An answer that is none.")
        each = iter(numbers.unpack(answer))
        return Decision(
            tuple(
                [
                    Verdict(level, wait == 0, int(left), reset / MICROSECONDS, wait / MICROSECONDS)
                    for level, wait, left, reset in zip(levels, each, each, each, strict=True)
                ]
            )
        )

    def _run(self, *command: Any) -> Any:
        try:
            return self.connections.run(*command)
        except redis.ResponseError as error:
            return self._again(command, error)
        except (redis.RedisError, OSError) as error:
            raise self._unavailable(error) from error

    def _again(self, command: tuple[Any, ...], error: redis.ResponseError) -> Any:
        """Send the script itself to a server that does not know it (it was restarted, flushed or replaced).

        A node of a cluster that says where our one slot is now is left for that other one.
        """
        if isinstance(error, redis.exceptions.MovedError):
            self.connections = Connections(self._url, deadline=self._deadline, host=error.host, port=error.port)
            self._is_moved = True
        elif not isinstance(error, redis.exceptions.NoScriptError):
            raise self._unavailable(error) from error
        if command[0] == "EVALSHA":
            command = ("EVAL", SCRIPT, *command[2:])
        try:
            return self.connections.run(*command)
        except (redis.RedisError, OSError) as second:
            raise self._unavailable(second) from second

    def _unavailable(self, error: Exception) -> StoreUnavailable:
        """Drop what leads to a server that can't serve us: the next attempt looks the address up anew."""
        self.connections.close()
        if self._is_moved:
            self._is_moved = False
            self.connections = Connections(self._url, deadline=self._deadline)
        # A server's own words may quote what they were given: their first one is enough.
        kind = str(error).split(" ")[0] if isinstance(error, redis.ResponseError) else ""
        return StoreUnavailable(f"{type(error).__name__} {kind}".strip())

    def _name(self, key: str) -> bytes:
        # Whatever a client sent may stand in a key, half of a surrogate pair too.
        return self._prefix + key.encode("utf-8", "surrogatepass")


@lru_cache(maxsize=4096)
def _pack(quota: Quota, cost: int, mode: Mode) -> bytes:
    algorithm, measure = deciding.measured(quota)
    numbers = (*measure, 0, 0)[:4]
    return _LEVEL.pack(algorithm.CODE, mode is Mode.SHADOW, algorithm.bounded(cost, measure), *numbers)


@cache
def _numbers(levels: int) -> struct.Struct:
    return struct.Struct(f"<{3 * levels}d")
