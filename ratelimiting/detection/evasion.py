"""Detect attempts to evade limits: rotating addresses, accounts or user agents, and manipulated requests.

Counted in this process, in bounded memory. A pattern is reported once per key and window. Keys and values are opaque
digests of whatever the caller counts by.
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
    """Keys that were reported within the last window; only the latest ``capacity`` are remembered."""

    window: float = WINDOW_SECONDS
    capacity: int = KEYS
    _until: OrderedDict[Hashable, float] = field(default_factory=OrderedDict)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def add(self, key: Hashable, *, now: float) -> bool:
        """Add a key; return whether it was not there yet."""
        with self._lock:
            until = self._until.get(key)
            if until is not None and now < until:
                return False
            self._until[key] = now + self.window
            self._until.move_to_end(key)
            if len(self._until) > self.capacity:
                self._until.popitem(last=False)
            return True


@dataclass(slots=True)
class DistinctValueCounter:
    """Counts the distinct values of each key within a window, up to ``limit``."""

    limit: int
    window: float = WINDOW_SECONDS
    capacity: int = KEYS
    _seen: OrderedDict[Hashable, tuple[float, set[int]]] = field(default_factory=OrderedDict)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def add(self, key: Hashable, value: Hashable, *, now: float) -> bool:
        """Count a value; return True for the one that reaches the limit, once in each window."""
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
    """Detects failed sign-ins from many networks, to many accounts, or with many user agents."""

    addresses: DistinctValueCounter = field(default_factory=lambda: DistinctValueCounter(limit=10))
    accounts: DistinctValueCounter = field(default_factory=lambda: DistinctValueCounter(limit=20))
    user_agents: DistinctValueCounter = field(default_factory=lambda: DistinctValueCounter(limit=10))

    def count(self, *, account: Hashable, network: str, user_agent: str, now: float) -> None:
        """Count a sign-in that failed or was refused."""
        if self.addresses.add(account, network, now=now):
            data = {"networks": self.addresses.limit}
            report(EvasionPattern.ADDRESSES, score=60, reasons=["many_networks_for_one_account"], data=data)
        if self.accounts.add(network, account, now=now):
            data = {"accounts": self.accounts.limit}
            report(EvasionPattern.ACCOUNTS, score=60, reasons=["many_accounts_from_one_network"], data=data)
        if self.user_agents.add((account, network), user_agent, now=now):
            data = {"user_agents": self.user_agents.limit}
            report(EvasionPattern.USER_AGENTS, score=50, reasons=["many_user_agents_from_one_network"], data=data)


@dataclass(slots=True)
class ReportBudget:
    """How many reports of a pattern are sent in a window, so that a botnet can't fill the audit trail."""

    most: int = 200
    window: float = WINDOW_SECONDS
    _spent: dict[Hashable, tuple[float, int]] = field(default_factory=dict)

    def take(self, pattern: Hashable, *, now: float) -> bool:
        """Return whether one more report may be sent, and count it."""
        ends, spent = self._spent.get(pattern, (0.0, 0))
        if now >= ends:
            ends, spent = now + self.window, 0
        self._spent[pattern] = (ends, spent + 1)
        return spent < self.most


_failed_sign_ins, _reported_manipulations, _budget = FailedSignInDetector(), ReportedKeys(), ReportBudget()
METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})
# Searched in the path as it was sent and decoded once: what a server or a proxy behind us might interpret differently.
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
    """Count a sign-in that failed or was refused, and report a pattern if it completes one."""
    _failed_sign_ins.count(account=account, network=network, user_agent=user_agent, now=time.monotonic())


def has_override_header(environ: Mapping[str, Any]) -> bool:
    """Return whether a request claims another method or path in a header. This project ignores such headers."""
    return (
        "HTTP_X_HTTP_METHOD_OVERRIDE" in environ
        or "HTTP_X_HTTP_METHOD" in environ
        or "HTTP_X_METHOD_OVERRIDE" in environ
        or "HTTP_X_ORIGINAL_URL" in environ
        or "HTTP_X_REWRITE_URL" in environ
    )


def inspect_unmatched_request(environ: Mapping[str, Any], *, path: str, network: str, known: frozenset[str]) -> None:
    """Search a request that matched no route for manipulations of its path or method; ``known`` are the real paths.

    Reported if one of them is new for the network. The single manipulations are compared, not their combination: there
    are few of the former and many of the latter.
    """
    found = manipulations(environ, path=path, known=known)
    now = time.monotonic()
    if [name for name in found if _reported_manipulations.add((network, name), now=now)]:
        score = min(70, 20 + 15 * len(found))
        report(EvasionPattern.REQUESTS, score=score, reasons=found, data={})


def manipulations(environ: Mapping[str, Any], *, path: str, known: frozenset[str]) -> list[str]:
    """Return the names of the manipulations in a request."""
    raw = _raw_path(environ, path)
    found = [name for name, pattern in _PATH_MANIPULATIONS if pattern.search(path) or pattern.search(raw)]
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


def _raw_path(environ: Mapping[str, Any], path: str) -> str:
    """Return the path before it was decoded, if the server provides it."""
    raw = environ.get("asgi.scope", {}).get("raw_path") or environ.get("RAW_URI") or environ.get("REQUEST_URI") or path
    return (raw.decode("latin-1") if isinstance(raw, bytes) else str(raw)).partition("?")[0]


def report(pattern: EvasionPattern, *, score: int, reasons: Sequence[str], data: Mapping[str, Any]) -> None:
    """Send ``evasion_detected``, within the budget of the pattern. Errors of receivers don't reach the caller."""
    if _budget.take(pattern, now=time.monotonic()):
        signals.evasion_detected.send_robust(
            sender=EvasionPattern,
            pattern=pattern,
            score=score,
            reasons=tuple(reasons),
            data=dict(data),
            now=datetime.now(UTC),
        )


def reset() -> None:
    """Forget everything that was counted. For tests."""
    global _failed_sign_ins, _reported_manipulations, _budget
    _failed_sign_ins, _reported_manipulations, _budget = FailedSignInDetector(), ReportedKeys(), ReportBudget()
