"""Who was refused and who would have been, counted in the process and handed on every few seconds.

A flood of refusals costs no statement while it lasts, and becomes few rows: one event for a key and window with its
count, for the first keys of a policy in a minute; all others of that policy share one.
"""

from __future__ import annotations

import logging
import threading
from collections import deque
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from django.core.cache import cache
from django.db import transaction
from django.utils import timezone

from ratelimiting import keys, signals
from ratelimiting.models import ShadowPeriod
from ratelimiting.types import Mode

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from ratelimiting.services.judging import Facts
    from ratelimiting.types import Verdict

MOST_KEYS = 20  # of one policy, told apart in one minute
MOST_SHADOW_KEYS, MOST_SAMPLES, MOST_DEFERRED = 50, 10, 100
LONGEST_TEXT = 200
OTHERS = ""
SHORTEST_WINDOW, LONGEST_WINDOW = timedelta(minutes=1), timedelta(hours=1)
HOUR, KEPT = timedelta(hours=1), timedelta(days=30)

log = logging.getLogger(__name__)


@dataclass(slots=True)
class Refused:
    """How often one key was refused since it was last told of, and what the first of those requests was."""

    policy: str
    key: str
    parts: dict[str, str]
    facts: Facts
    window: timedelta
    due_at: datetime
    refusals: int = 0


@dataclass(slots=True)
class Shadow:
    """What a shadow policy would have refused since it was last written down."""

    refused: int = 0
    keys: dict[str, dict[str, Any]] = field(default_factory=dict)
    samples: list[dict[str, Any]] = field(default_factory=list)


class _Tally:
    def __init__(self) -> None:
        self.lock = threading.Lock()
        self.deferred: deque[Callable[[], Any]] = deque(maxlen=MOST_DEFERRED)
        self.refused: dict[tuple[str, str], Refused] = {}
        self.shadow: dict[str, Shadow] = {}


_tally = _Tally()


def note(*, verdict: Verdict, parts: Mapping[str, str], facts: Facts, now: datetime | None = None) -> None:
    """Count one refusal, or what would have been one."""
    at = now or timezone.now()
    with _tally.lock:
        if verdict.level.mode is Mode.SHADOW:
            _note_shadow(verdict, parts, facts, at)
        else:
            _note_refusal(verdict, parts, facts, at)


def defer(*, act: Callable[[], Any]) -> None:
    """Have something done by whoever hands on, outside of any request and its transaction."""
    _tally.deferred.append(act)


def flush(*, now: datetime) -> None:
    """Hand on what was counted: figures of shadow policies to the database, refusals and closed hours as signals."""
    while _tally.deferred:
        _tally.deferred[0]()  # stays for the next time if it fails
        _tally.deferred.popleft()
    _tell_refusals(now)
    _write_shadow(now)
    _tell_shadow(now)


def purge(*, now: datetime) -> int:
    """Delete the figures of hours that are long past; return how many."""
    deleted, _ = ShadowPeriod.objects.filter(began_at__lt=now - KEPT).delete()
    return deleted


def forget() -> None:
    """Drop what was counted and not handed on."""
    with _tally.lock:
        _tally.deferred.clear()
        _tally.refused.clear()
        _tally.shadow.clear()


def _note_refusal(verdict: Verdict, parts: Mapping[str, str], facts: Facts, at: datetime) -> None:
    level = verdict.level
    entry = _tally.refused.get((level.policy, level.key))
    if entry is None:
        is_one_too_many = sum(policy == level.policy for policy, _ in _tally.refused) >= MOST_KEYS
        key = OTHERS if is_one_too_many else level.key
        window = max(SHORTEST_WINDOW, min(LONGEST_WINDOW, timedelta(seconds=level.quota.window)))
        entry = _tally.refused.setdefault(
            (level.policy, key),
            Refused(level.policy, key, {} if is_one_too_many else keys.masked(parts), facts.kept(), window, due_at=at),
        )
    elif not entry.refusals:
        entry.facts = facts.kept()
    entry.refusals += 1


def _note_shadow(verdict: Verdict, parts: Mapping[str, str], facts: Facts, at: datetime) -> None:
    level = verdict.level
    entry = _tally.shadow.setdefault(level.policy, Shadow())
    entry.refused += 1
    known = entry.keys.get(level.key)
    if known is None and len(entry.keys) < MOST_SHADOW_KEYS:
        known = entry.keys[level.key] = {"parts": keys.masked(parts), "refused": 0}
    if known is not None:
        known["refused"] += 1
    if len(entry.samples) < MOST_SAMPLES:
        entry.samples.append(
            {
                "at": at.isoformat(),
                "route": facts.route,
                "method": facts.method[:LONGEST_TEXT],
                "parts": keys.masked(parts),
                "retry_after": round(verdict.retry_after, 3),
            }
        )


def _tell_refusals(now: datetime) -> None:
    with _tally.lock:
        due = [entry for entry in _tally.refused.values() if entry.refusals and entry.due_at <= now]
        quiet = [
            place
            for place, entry in _tally.refused.items()
            if not entry.refusals and entry.due_at + SHORTEST_WINDOW <= now
        ]
        for place in quiet:
            del _tally.refused[place]
    for entry in due:
        if not _is_ours_to_tell(entry):
            entry.due_at = now + entry.window
            continue
        refusals = entry.refusals
        signals.refused.send(
            sender=None,
            policy=entry.policy,
            key=entry.key,
            parts=entry.parts,
            refusals=refusals,
            facts=entry.facts,
            now=now,
        )
        with _tally.lock:
            entry.refusals -= refusals
            entry.due_at = now + entry.window


def _is_ours_to_tell(entry: Refused) -> bool:
    """Whether no other process has told of this key in this window, as far as they share a cache."""
    try:
        return cache.add(f"ratelimiting.refused:{entry.policy}:{entry.key}", 1, entry.window.total_seconds())
    except Exception as error:  # noqa: BLE001 - each kind of cache has errors of its own; told twice beats not told
        log.warning("refusals_not_shared: %s", type(error).__name__)
        return True


def _write_shadow(now: datetime) -> None:
    began_at = now.replace(minute=0, second=0, microsecond=0)
    for policy in sorted(_tally.shadow):
        with _tally.lock:
            entry = _tally.shadow.pop(policy)
        try:
            _add_to_period(policy, began_at, entry)
        except Exception:
            # What came in between is less than what would be lost.
            with _tally.lock:
                _tally.shadow[policy] = entry
            raise


def _add_to_period(policy: str, began_at: datetime, entry: Shadow) -> None:
    with transaction.atomic():
        ShadowPeriod.objects.get_or_create(policy=policy, began_at=began_at)
        row = ShadowPeriod.objects.select_for_update().get(policy=policy, began_at=began_at)
        row.refused += entry.refused
        row.keys = _largest(row.keys, entry.keys)
        row.samples = (row.samples + entry.samples)[-MOST_SAMPLES:]
        row.save(update_fields=["refused", "keys", "samples"])


def _largest(before: dict[str, dict[str, Any]], more: dict[str, dict[str, Any]]) -> dict[str, dict[str, Any]]:
    together = {key: dict(value) for key, value in before.items()}
    for key, value in more.items():
        known = together.setdefault(key, {**value, "refused": 0})
        known["refused"] += value["refused"]
    return dict(sorted(together.items(), key=lambda item: -item[1]["refused"])[:MOST_SHADOW_KEYS])


def _tell_shadow(now: datetime) -> None:
    over = ShadowPeriod.objects.filter(is_reported=False, began_at__lte=now - HOUR)
    for row in over:
        with transaction.atomic():
            if ShadowPeriod.objects.filter(pk=row.pk, is_reported=False).update(is_reported=True):
                signals.shadow_reported.send(
                    sender=None,
                    policy=row.policy,
                    began_at=row.began_at,
                    refused=row.refused,
                    keys=list(row.keys.values()),
                    samples=row.samples,
                    now=now,
                )
