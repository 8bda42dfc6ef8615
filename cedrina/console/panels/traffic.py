"""Sign-ins, failures, refused requests and risks of the last hour, minute by minute."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from security_events.selectors import event_counts
from security_events.services.detection.event_counts import Series

MINUTES = 60
MOST_POLICIES = 8
SIGN_INS = frozenset({"authentication.login_succeeded", "admin.login_succeeded"})
FAILURES = frozenset({"authentication.login_failed", "admin.login_failed", "social.login_failed", "mfa.failed"})
RISKS = tuple(range(0, 100, 10))
OTHERS = ""


@dataclass(frozen=True, slots=True)
class RefusedByPolicy:
    """Requests that a policy has refused, minute by minute; ``OTHERS`` stands for all further policies."""

    policy: str
    counts: Sequence[int]
    total: int


@dataclass(frozen=True, slots=True)
class Traffic:
    """``minutes`` are Unix times; the last one still goes on. ``risks`` are sign-ins by tens of their risk."""

    minutes: Sequence[int]
    sign_ins: Sequence[int]
    failures: Sequence[int]
    refused: Sequence[RefusedByPolicy]
    risks: Sequence[int]


def traffic(now: datetime) -> Traffic:
    """Return the figures of the last ``MINUTES`` minutes."""
    last = now.replace(second=0, microsecond=0)
    first = last - timedelta(minutes=MINUTES - 1)
    sign_ins, failures, risks = [0] * MINUTES, [0] * MINUTES, Counter[str]()
    refused: dict[str, list[int]] = {}
    for count in event_counts.counts_between(since=first, until=last + timedelta(minutes=1)):
        place = int((count.minute - first).total_seconds()) // 60
        if count.series == Series.TYPE and count.key in SIGN_INS:
            sign_ins[place] += count.number
        elif count.series == Series.TYPE and count.key in FAILURES:
            failures[place] += count.number
        elif count.series == Series.POLICY:
            refused.setdefault(count.key, [0] * MINUTES)[place] += count.number
        elif count.series == Series.RISK:
            risks[count.key] += count.number
    return Traffic(
        minutes=[int(first.timestamp()) + 60 * minute for minute in range(MINUTES)],
        sign_ins=sign_ins,
        failures=failures,
        refused=_largest(refused),
        risks=[risks[str(tens)] for tens in RISKS],
    )


def _largest(refused: dict[str, list[int]]) -> Sequence[RefusedByPolicy]:
    """Return the policies that refused most, and what the others refused together."""
    found = sorted((RefusedByPolicy(name, counts, sum(counts)) for name, counts in refused.items()), key=_order)
    rest = found[MOST_POLICIES:]
    if not rest:
        return found
    together = [sum(each.counts[minute] for each in rest) for minute in range(MINUTES)]
    return [*found[:MOST_POLICIES], RefusedByPolicy(OTHERS, together, sum(together))]


def _order(refused: RefusedByPolicy) -> tuple[int, str]:
    return -refused.total, refused.policy
