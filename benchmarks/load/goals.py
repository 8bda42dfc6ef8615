"""What each scenario is to reach, and whether it did.

Times are judged beside each other in one run only where the machine is quiet; the report names the machine's load.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from samples import Sample, growth

MOST_FAILURES = 0.001  # the share of answers that may be faults
FLAT = 0.05  # memory of the last third may be so much above the second
FAST = 25.0  # ms, 95 % of refreshes and token checks
HASH_SHARE = 250.0  # ms, 95 % of sign-ins beyond the time of the hash
IN_A_SOAK = ("memory", "files", "connections")


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
    scenario: str, stats: Sequence[Mapping[str, Any]], samples: Sequence[Sample], hash_ms: float
) -> list[Figure]:
    """Return the figures of a run: ``stats`` are rows of Locust with name, requests, failures, p50, p95, p99."""
    return [*_of_answers(stats, hash_ms), *_of_process(scenario, samples)]


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


def _of_process(scenario: str, samples: Sequence[Sample]) -> Iterator[Figure]:
    for name in IN_A_SOAK:
        values = [float(getattr(sample, name)) for sample in samples]
        if values:
            unit = " MiB" if name == "memory" else ""
            yield Figure(f"{name} at the end", values[-1], unit, None)
            goal = 100 * FLAT if scenario == "soak" else None
            yield Figure(f"{name}: growth of the last third", 100 * growth(values), "%", goal)
