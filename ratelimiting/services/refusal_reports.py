"""Refusals, counted in the process and reported every few seconds by the background thread.

A flood of refusals costs no SQL while it lasts and becomes few events: one for each key and window with its count, for
the first ``MOST_KEYS`` keys of a policy in a minute; all other keys of that policy share one.
"""

from __future__ import annotations

import logging
import threading
from collections import deque
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from django.core.cache import cache

from ratelimiting import keys, signals
from ratelimiting.services import shadow_figures
from ratelimiting.types import Mode, RequestAttributes

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from ratelimiting.services.levels import KeyedLevel
    from ratelimiting.types import LevelResult, LimitDecision

MOST_KEYS = 20  # told apart of one policy in one minute
MOST_DEFERRED = 100
OTHER_KEYS = ""
SHORTEST_WINDOW, LONGEST_WINDOW = timedelta(minutes=1), timedelta(hours=1)

log = logging.getLogger(__name__)


@dataclass(slots=True)
class RefusedKey:
    """How often a key was refused since its last report, and the first of those requests."""

    policy: str
    key: str
    parts: dict[str, str]
    attributes: RequestAttributes
    window: timedelta
    due_at: datetime
    refusals: int = 0


class _PendingReports:
    """What this process has counted and not reported yet."""

    def __init__(self) -> None:
        self.lock = threading.Lock()
        self.deferred: deque[Callable[[], Any]] = deque(maxlen=MOST_DEFERRED)
        self.refused: dict[tuple[str, str], RefusedKey] = {}


_pending = _PendingReports()


def count_refusals(
    *, decision: LimitDecision, levels: Sequence[KeyedLevel], attributes: RequestAttributes, now: datetime
) -> None:
    """Count the levels that refused a request, and those in shadow mode that would have."""
    for result, (_, parts) in zip(decision.results, levels, strict=True):
        if result.is_allowed:
            continue
        if result.level.mode is Mode.SHADOW:
            shadow_figures.count(result=result, parts=parts, attributes=attributes, now=now)
        else:
            with _pending.lock:
                _count(result, parts, attributes, now)


def defer(*, act: Callable[[], Any]) -> None:
    """Have a function called by the background thread, outside of any request and its transaction."""
    _pending.deferred.append(act)


def report(*, now: datetime) -> None:
    """Call the deferred functions, send a signal for each key whose report is due, and write the shadow figures."""
    while _pending.deferred:
        _pending.deferred[0]()  # if it raises, it is called again next time
        _pending.deferred.popleft()
    _report_refusals(now)
    shadow_figures.write(now=now)
    shadow_figures.report_closed_hours(now=now)


def discard() -> None:
    """Drop everything that was counted and not reported. For tests."""
    with _pending.lock:
        _pending.deferred.clear()
        _pending.refused.clear()
    shadow_figures.discard()


def _count(result: LevelResult, parts: Mapping[str, str], attributes: RequestAttributes, now: datetime) -> None:
    level = result.level
    entry = _pending.refused.get((level.policy, level.key))
    if entry is None:
        is_one_too_many = sum(policy == level.policy for policy, _ in _pending.refused) >= MOST_KEYS
        key = OTHER_KEYS if is_one_too_many else level.key
        entry = _pending.refused.setdefault(
            (level.policy, key),
            RefusedKey(
                policy=level.policy,
                key=key,
                parts={} if is_one_too_many else keys.mask_parts(parts),
                attributes=attributes.without_request(),
                window=max(SHORTEST_WINDOW, min(LONGEST_WINDOW, timedelta(seconds=level.quota.window))),
                due_at=now,
            ),
        )
    elif not entry.refusals:
        entry.attributes = attributes.without_request()
    entry.refusals += 1


def _report_refusals(now: datetime) -> None:
    for entry in _take_due(now):
        if not _is_first_to_report(entry):
            entry.due_at = now + entry.window
            continue
        refusals = entry.refusals
        signals.refused.send(
            sender=None,
            policy=entry.policy,
            key=entry.key,
            parts=entry.parts,
            refusals=refusals,
            attributes=entry.attributes,
            now=now,
        )
        with _pending.lock:
            entry.refusals -= refusals
            entry.due_at = now + entry.window


def _take_due(now: datetime) -> list[RefusedKey]:
    """Return the keys whose report is due, and forget those without a refusal for a minute."""
    with _pending.lock:
        quiet = [
            name
            for name, entry in _pending.refused.items()
            if not entry.refusals and entry.due_at + SHORTEST_WINDOW <= now
        ]
        for name in quiet:
            del _pending.refused[name]
        return [entry for entry in _pending.refused.values() if entry.refusals and entry.due_at <= now]


def _is_first_to_report(entry: RefusedKey) -> bool:
    """Return whether no other process that shares our cache has reported this key in this window."""
    try:
        return cache.add(f"ratelimiting.refused:{entry.policy}:{entry.key}", 1, entry.window.total_seconds())
    except Exception as error:  # noqa: BLE001 - each cache backend has its own errors; reported twice beats not at all
        log.warning("refusals_not_shared: %s", type(error).__name__)
        return True
