"""Replay logged requests through policies, in a store of its own, and count what would have been refused."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from django.urls import Resolver404, resolve

from ratelimiting import keys
from ratelimiting.services.active_policies import PolicySet
from ratelimiting.services.levels import levels_for_request
from ratelimiting.stores.memory import MemoryStore
from ratelimiting.types import UNMATCHED_ROUTE, Caller, RequestAttributes

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from ratelimiting.access_logs import LoggedRequest
    from ratelimiting.policy_schema import LimitPolicy

MOST_KEYS = 1_000_000
MOST_COUNTED = 100_000
TOP = 10


@dataclass(slots=True)
class PolicyFigures:
    """How many requests one policy applied to, and how many it would have refused."""

    judged: int = 0
    refused: int = 0
    keys: Counter[str] = field(default_factory=Counter)

    def report(self) -> dict[str, Any]:
        """Return the figures as JSON, with the keys refused most often."""
        top = [{"key": key, "refused": number} for key, number in self.keys.most_common(TOP)]
        return {"judged": self.judged, "refused": self.refused, "keys": top}


@dataclass(slots=True)
class SimulationReport:
    """The result of a replay."""

    requests: int = 0
    refused: int = 0
    policies: dict[str, PolicyFigures] = field(default_factory=dict)


def replay(*, requests: Iterable[LoggedRequest], policies: Sequence[LimitPolicy]) -> Iterator[SimulationReport]:
    """Decide about one request after the other at its own time; yield the growing report after each.

    The time of a log may jump back where several processes wrote it. A store's time does not: the latest one counts.
    """
    simulated = PolicySet(version=0, policies={policy.name: policy for policy in policies}, sources={})
    store = MemoryStore(most_keys=MOST_KEYS)
    report = SimulationReport(policies={policy.name: PolicyFigures() for policy in policies})
    latest = None
    for request in requests:
        latest = request.at if latest is None else max(latest, request.at)
        levels = levels_for_request(attributes=_attributes(request), policies=simulated)
        report.requests += 1
        if levels:
            decision = store.decide_at([level for level, _ in levels], now=latest)
            report.refused += not decision.is_allowed
            for result, (level, parts) in zip(decision.results, levels, strict=True):
                key = keys.readable_key(level.policy, parts)
                _count(report.policies[level.policy], key, is_allowed=result.is_allowed)
        yield report


def _attributes(request: LoggedRequest) -> RequestAttributes:
    return RequestAttributes(
        route=_route(request.path),
        method=request.method,
        address=request.address,
        caller=Caller(user=request.user, tier=request.tier),
        find_key=dict(request.members).get,
    )


def _count(figures: PolicyFigures, key: str, *, is_allowed: bool) -> None:
    figures.judged += 1
    if not is_allowed:
        figures.refused += 1
        if len(figures.keys) < MOST_COUNTED or key in figures.keys:
            figures.keys[key] += 1


@lru_cache(maxsize=8192)
def _route(path: str) -> str:
    try:
        return str(resolve(path).view_name)
    except Resolver404:
        return UNMATCHED_ROUTE
