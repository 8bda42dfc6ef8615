"""What each scenario is to reach, and whether it did.

Times are judged beside each other in one run only where the machine is quiet; the report names the machine's load.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from history import Series

MOST_FAILURES = 0.001  # the share of answers that may be faults
FLAT = 0.05  # what is held in the last third of a soak may be so much above the second
TREND = 0.25  # so may times: they vary with what else the machine does
FAST = 25.0  # ms, 95 % of refreshes and token checks
HASH_SHARE = 250.0  # ms, 95 % of sign-ins beyond the time of the hash
TIMES = ("ms", "ms/s")


@dataclass(frozen=True, slots=True)
class Figure:
    """A figure beside its goal."""

    name: str
    value: float
    unit: str
    goal: float | None
    is_least: bool = False  # the goal is the least, not the most

    @property
    def is_met(self) -> bool | None:
        """Whether the goal is met; ``None`` if there is none."""
        if self.goal is None:
            return None
        return self.value >= self.goal if self.is_least else self.value <= self.goal


def figures(
    scenario: str, stats: Sequence[Mapping[str, Any]], series: Sequence[Series], hash_ms: float
) -> list[Figure]:
    """Return the figures of a run: ``stats`` are rows of Locust with name, requests, failures, p50, p95, p99."""
    return [*_of_answers(stats, hash_ms), *_of_series(scenario, series)]


def _of_answers(stats: Sequence[Mapping[str, Any]], hash_ms: float) -> Iterator[Figure]:
    asked, failed = sum(row["requests"] for row in stats), sum(row["failures"] for row in stats)
    yield Figure("answers that are faults", 100 * failed / max(asked, 1), "%", 100 * MOST_FAILURES)
    for row in stats:
        name = row["name"]
        yield Figure(f"{name}: answers a second", row["rate"], "/s", None)
        yield Figure(f"{name}: half of them within", row["p50"], "ms", None)
        goal = {"token check": FAST, "refresh": FAST, "sign-in": hash_ms + HASH_SHARE}.get(name)
        yield Figure(f"{name}: 95 % within", row["p95"], "ms", goal)
        yield Figure(f"{name}: 99 % within", row["p99"], "ms", None)


def _of_series(scenario: str, series: Sequence[Series]) -> Iterator[Figure]:
    for each in series:
        if each.values:
            yield Figure(f"{each.name} at the end", each.values[-1], each.unit, None)
            goal = 100 * (TREND if each.unit in TIMES else FLAT) if scenario == "soak" else None
            yield Figure(f"{each.name}: growth of the last third", 100 * each.growth, "%", goal)
