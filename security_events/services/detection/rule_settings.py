"""The mode and the thresholds of each rule: its own until an operator changes them, then those of the newest change.

Each process keeps them in memory. ``refresh`` reads them again if there is a newer change; who asks for a rule's
settings in a request or in the worker calls it at least every ``REFRESH_SECONDS``, so that a change reaches all
processes within 2 seconds.
"""

import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from django.db import connection, transaction
from django.db.models import Max

from security_events import event_types
from security_events.detection import rules
from security_events.detection.errors import RuleChanged, RuleNotFound, ThresholdInvalid
from security_events.detection.rules import Rule
from security_events.models import RuleVersion
from security_events.services import recording
from security_events.types import RuleMode, Subject

REFRESH_SECONDS = 1.0
LARGEST_THRESHOLD = 1_000_000_000
LONGEST_REASON = 500
_LOCK = 1589641223  # two changes of a rule take turns


@dataclass(frozen=True, slots=True)
class RuleSettings:
    """What is in force of a rule. ``version`` is the number of the change, 0 for the rule's own."""

    mode: RuleMode
    thresholds: Mapping[str, int]
    version: int = 0


class _ProcessState:
    def __init__(self) -> None:
        self.lock = threading.Lock()
        self.newest = 0
        self.changed: Mapping[str, RuleSettings] = {}
        self.read_at = float("-inf")


_state = _ProcessState()


def of(rule: Rule) -> RuleSettings:
    """Return what this process knows of a rule's settings, without a query."""
    return _state.changed.get(rule.id) or RuleSettings(rule.mode, rule.thresholds)


def refresh(*, newest: int | None = None) -> None:
    """Read all changes if there is a newer one. ``newest`` is its number if the caller has read it already.

    Without it, the database is asked at most once in ``REFRESH_SECONDS``.
    """
    if newest is None:
        now = time.monotonic()
        if now - _state.read_at < REFRESH_SECONDS:
            return
        newest = _newest()
        _state.read_at = now
    if newest != _state.newest:
        with _state.lock:
            _state.changed, _state.newest = _stored(), newest


def refresh_at_once() -> None:
    """Read all changes if there is a newer one, however lately that was done: operators see what they just changed."""
    refresh(newest=_newest())


def forget() -> None:
    """Forget what was read from the database. For tests."""
    with _state.lock:
        _state.newest, _state.changed, _state.read_at = 0, {}, float("-inf")


def change(
    *,
    rule_id: str,
    mode: RuleMode | None = None,
    thresholds: Mapping[str, int] | None = None,
    reason: str,
    versions: frozenset[int] | None = None,
    actor: Subject,
    now: datetime,
) -> RuleSettings:
    """Change the mode or thresholds of a rule; what is left out stays. ``versions`` are those the operator has read.

    A change to what is so already makes no version.

    Raises: RuleNotFound, RuleChanged, ThresholdInvalid.
    """
    rules.load()
    rule = rules.RULES.get(rule_id)
    if rule is None:
        raise RuleNotFound
    for name, value in (thresholds or {}).items():
        if name not in rule.thresholds or not 1 <= value <= LARGEST_THRESHOLD:
            raise ThresholdInvalid(name)
    with transaction.atomic():
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_advisory_xact_lock(%s)", [_LOCK])
        before = _stored().get(rule.id) or RuleSettings(rule.mode, rule.thresholds)
        if versions is not None and before.version not in versions:
            raise RuleChanged
        wanted = {**before.thresholds, **(thresholds or {})}
        if (mode or before.mode, wanted) == (before.mode, dict(before.thresholds)):
            return before
        row = RuleVersion.objects.create(
            rule=rule.id,
            mode=mode or before.mode,
            thresholds=wanted,
            reason=reason,
            author_id=actor.id,
            author_name=actor.name,
            created_at=now,
        )
        after = _settings(rule, row)
        recording.record(
            event_types.RULE_CHANGED,
            actor=actor,
            data={
                "rule": rule.id,
                "version": row.number,
                "before": {"mode": before.mode, "thresholds": dict(before.thresholds)},
                "after": {"mode": after.mode, "thresholds": dict(after.thresholds)},
                "note": reason,
            },
            now=now,
        )
    return after


def _newest() -> int:
    return RuleVersion.objects.aggregate(newest=Max("number"))["newest"] or 0


def _stored() -> dict[str, RuleSettings]:
    rules.load()
    newest = RuleVersion.objects.order_by("rule", "-number").distinct("rule")
    return {row.rule: _settings(rules.RULES[row.rule], row) for row in newest if row.rule in rules.RULES}


def _settings(rule: Rule, row: RuleVersion) -> RuleSettings:
    """Return stored settings. A threshold that is newer than they are has the rule's own value."""
    known = {name: row.thresholds.get(name, value) for name, value in rule.thresholds.items()}
    return RuleSettings(RuleMode(row.mode), known, row.number)
