"""What policies in shadow mode would have refused: counted in the process, added to the hour's row in the database."""

from __future__ import annotations

import threading
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from django.db import transaction

from ratelimiting import keys, signals
from ratelimiting.models import ShadowPeriod

if TYPE_CHECKING:
    from collections.abc import Mapping

    from ratelimiting.types import LevelResult, RequestAttributes

MOST_KEYS, MOST_SAMPLES = 50, 10
LONGEST_TEXT = 200
HOUR, RETENTION = timedelta(hours=1), timedelta(days=30)


@dataclass(slots=True)
class ShadowCount:
    """What one policy would have refused since it was last written to the database."""

    refused: int = 0
    keys: dict[str, dict[str, Any]] = field(default_factory=dict)
    samples: list[dict[str, Any]] = field(default_factory=list)


_counts: dict[str, ShadowCount] = {}
_lock = threading.Lock()


def count(*, result: LevelResult, parts: Mapping[str, str], attributes: RequestAttributes, now: datetime) -> None:
    """Count a request that a policy in shadow mode would have refused."""
    level, masked = result.level, keys.mask_parts(parts)
    with _lock:
        found = _counts.setdefault(level.policy, ShadowCount())
        found.refused += 1
        known = found.keys.get(level.key)
        if known is None and len(found.keys) < MOST_KEYS:
            known = found.keys[level.key] = {"parts": masked, "refused": 0}
        if known is not None:
            known["refused"] += 1
        if len(found.samples) < MOST_SAMPLES:
            found.samples.append(
                {
                    "at": now.isoformat(),
                    "route": attributes.route,
                    "method": attributes.method[:LONGEST_TEXT],
                    "parts": masked,
                    "retry_after": round(result.retry_after, 3),
                }
            )


def write(*, now: datetime) -> None:
    """Add what was counted to the rows of the current hour."""
    began_at = now.replace(minute=0, second=0, microsecond=0)
    for policy in sorted(_counts):
        with _lock:
            found = _counts.pop(policy)
        try:
            _add_to_hour(policy, began_at, found)
        except Exception:
            # Puts it back for the next time. It replaces what was counted meanwhile, which is less.
            with _lock:
                _counts[policy] = found
            raise


def report_closed_hours(*, now: datetime) -> None:
    """Send ``shadow_reported`` for each hour that is over, once for all processes."""
    closed = ShadowPeriod.objects.filter(is_reported=False, began_at__lte=now - HOUR)
    for row in closed:
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


def purge(*, now: datetime) -> int:
    """Delete the rows of hours that are older than ``RETENTION``; return how many."""
    deleted, _ = ShadowPeriod.objects.filter(began_at__lt=now - RETENTION).delete()
    return deleted


def discard() -> None:
    """Drop what was counted and not written."""
    with _lock:
        _counts.clear()


def _add_to_hour(policy: str, began_at: datetime, found: ShadowCount) -> None:
    with transaction.atomic():
        ShadowPeriod.objects.get_or_create(policy=policy, began_at=began_at)
        row = ShadowPeriod.objects.select_for_update().get(policy=policy, began_at=began_at)
        row.refused += found.refused
        row.keys = _most_refused(row.keys, found.keys)
        row.samples = (row.samples + found.samples)[-MOST_SAMPLES:]
        row.save(update_fields=["refused", "keys", "samples"])


def _most_refused(before: dict[str, dict[str, Any]], more: dict[str, dict[str, Any]]) -> dict[str, dict[str, Any]]:
    together = {key: dict(value) for key, value in before.items()}
    for key, value in more.items():
        known = together.setdefault(key, {**value, "refused": 0})
        known["refused"] += value["refused"]
    return dict(sorted(together.items(), key=lambda item: -item[1]["refused"])[:MOST_KEYS])
