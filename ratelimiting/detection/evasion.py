"""Notice who evades limits: by changing addresses, accounts, programs, or the spelling of requests.

Counted in this process, in bounded memory; what is noticed is announced once for each key and window. Keys and values
are opaque: digests of whatever the caller counts by.
"""

import re
import threading
import time
from collections import OrderedDict
from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any

from ratelimiting import signals

WINDOW_SECONDS = 3600.0
KEYS = 4096


class EvasionPattern(StrEnum):
    """How somebody seems to evade limits."""

    ADDRESSES = "addresses_rotated"
    ACCOUNTS = "accounts_swept"
    USER_AGENTS = "user_agents_rotated"
    REQUESTS = "request_manipulated"
    HEADERS = "headers_manipulated"


@dataclass(slots=True)
class ReportedKeys:
    """Remember what was said already, for a window, and the latest things only."""

    window: float = WINDOW_SECONDS
    capacity: int = KEYS
    _said: OrderedDict[Hashable, float] = field(default_factory=OrderedDict)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def is_first(self, key: Hashable, *, now: float) -> bool:
        """Whether this is to be said now."""
        with self._lock:
            until = self._said.get(key)
            if until is not None and now < until:
                return False
            self._said[key] = now + self.window
            self._said.move_to_end(key)
            if len(self._said) > self.capacity:
                self._said.popitem(last=False)
            return True


@dataclass(slots=True)
class DistinctValueCounter:
    """Count the different values seen with a key in a window; say once when there are ``limit`` of them."""

    limit: int
    window: float = WINDOW_SECONDS
    capacity: int = KEYS
    _seen: OrderedDict[Hashable, tuple[float, set[int]]] = field(default_factory=OrderedDict)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def note(self, key: Hashable, value: Hashable, *, now: float) -> bool:
        """Note one value; true for the one that makes it too many."""
        with self._lock:
            ends, values = self._seen.get(key, (0.0, set()))
            if now >= ends:
                ends, values = now + self.window, set()
            self._seen[key] = (ends, values)
            self._seen.move_to_end(key)
            if len(self._seen) > self.capacity:
                self._seen.popitem(last=False)
            before = len(values)
            if before < self.limit:
                values.add(hash(value))
            return before < self.limit == len(values)


@dataclass(slots=True)
class FailedSignInDetector:
    """See through sign-ins that come from everywhere, go to everybody, or never look the same."""

    addresses: DistinctValueCounter = field(default_factory=lambda: DistinctValueCounter(limit=10))
    accounts: DistinctValueCounter = field(default_factory=lambda: DistinctValueCounter(limit=20))
    user_agents: DistinctValueCounter = field(default_factory=lambda: DistinctValueCounter(limit=10))

    def note_failure(self, *, account: Hashable, network: str, user_agent: str, now: float) -> None:
        """Note a sign-in that failed or was not looked at."""
        if self.addresses.note(account, network, now=now):
            data = {"networks": self.addresses.limit}
            report(EvasionPattern.ADDRESSES, score=60, reasons=["many_networks_for_one_account"], data=data)
        if self.accounts.note(network, account, now=now):
            data = {"accounts": self.accounts.limit}
            report(EvasionPattern.ACCOUNTS, score=60, reasons=["many_accounts_from_one_network"], data=data)
        if self.user_agents.note((account, network), user_agent, now=now):
            data = {"user_agents": self.user_agents.limit}
            report(EvasionPattern.USER_AGENTS, score=50, reasons=["many_user_agents_from_one_network"], data=data)


@dataclass(slots=True)
class ReportBudget:
    """How many things of a kind may be said in a window: a botnet must not fill the trail."""

    most: int = 200
    window: float = WINDOW_SECONDS
    _spent: dict[Hashable, tuple[float, int]] = field(default_factory=dict)

    def take(self, kind: Hashable, *, now: float) -> bool:
        """Whether one more may be said."""
        ends, spent = self._spent.get(kind, (0.0, 0))
        if now >= ends:
            ends, spent = now + self.window, 0
        self._spent[kind] = (ends, spent + 1)
        return spent < self.most


_failed_sign_ins, _reported_manipulations, _budget = FailedSignInDetector(), ReportedKeys(), ReportBudget()
METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})
# In the path as it was sent, decoded once: what a server or a proxy behind a limit might read in another way.
_PATH_MANIPULATIONS = (
    ("encoded_separator", re.compile(r"%2f|%5c|\\", re.IGNORECASE)),
    ("encoded_dot", re.compile(r"%2e", re.IGNORECASE)),
    ("dot_segment", re.compile(r"(?:^|/)\.\.?(?:/|$|;)")),
    ("double_encoding", re.compile(r"%25", re.IGNORECASE)),
    ("empty_segment", re.compile(r"//")),
    ("path_parameter", re.compile(r";")),
    ("control_character", re.compile(r"[\x00-\x1f\x7f]|%0[0-9a-f]|%1[0-9a-f]", re.IGNORECASE)),
)


def count_failed_sign_in(*, account: Hashable, network: str, user_agent: str) -> None:
    """Let this process see a sign-in that failed or was not looked at."""
    _failed_sign_ins.note_failure(account=account, network=network, user_agent=user_agent, now=time.monotonic())


def has_override_header(environ: Mapping[str, Any]) -> bool:
    """Whether a request says that its method or its path is another one: nobody here listens to that."""
    return (
        "HTTP_X_HTTP_METHOD_OVERRIDE" in environ
        or "HTTP_X_HTTP_METHOD" in environ
        or "HTTP_X_METHOD_OVERRIDE" in environ
        or "HTTP_X_ORIGINAL_URL" in environ
        or "HTTP_X_REWRITE_URL" in environ
    )


def inspect_unmatched_request(environ: Mapping[str, Any], *, path: str, network: str, known: frozenset[str]) -> None:
    """Look at a request that led nowhere for tricks with its path or method; ``known`` are the paths that there are.

    It is told of when one of its tricks is new for the network: there are few of them, but many combinations.
    """
    found = manipulations(environ, path=path, known=known)
    now = time.monotonic()
    if [name for name in found if _reported_manipulations.is_first((network, name), now=now)]:
        score = min(70, 20 + 15 * len(found))
        report(EvasionPattern.REQUESTS, score=score, reasons=found, data={})


def manipulations(environ: Mapping[str, Any], *, path: str, known: frozenset[str]) -> list[str]:
    """Name the tricks that a request tries."""
    raw = _as_sent(environ, path)
    found = [name for name, shape in _PATH_MANIPULATIONS if shape.search(path) or shape.search(raw)]
    plain = path.rstrip("/")
    if path not in known and plain in known:
        found.append("trailing_slash")
    elif path not in known and plain.lower() in known:
        found.append("upper_case")
    if environ.get("REQUEST_METHOD", "GET") not in METHODS:
        found.append("unknown_method")
    if has_override_header(environ):
        found.append("override")
    return found


def _as_sent(environ: Mapping[str, Any], path: str) -> str:
    """Return the path before it was decoded, where the server tells it."""
    raw = environ.get("asgi.scope", {}).get("raw_path") or environ.get("RAW_URI") or environ.get("REQUEST_URI") or path
    return (raw.decode("latin-1") if isinstance(raw, bytes) else str(raw)).partition("?")[0]


def report(evasion: EvasionPattern, *, score: int, reasons: Sequence[str], data: Mapping[str, Any]) -> None:
    """Tell whoever listens, so often in an hour and no more; an error of theirs is not the caller's."""
    if _budget.take(evasion, now=time.monotonic()):
        signals.evasion_detected.send_robust(
            sender=EvasionPattern,
            evasion=evasion,
            score=score,
            reasons=tuple(reasons),
            data=dict(data),
            now=datetime.now(UTC),
        )


def reset() -> None:
    """Begin anew, as a process that has just started."""
    global _failed_sign_ins, _reported_manipulations, _budget
    _failed_sign_ins, _reported_manipulations, _budget = FailedSignInDetector(), ReportedKeys(), ReportBudget()
