"""What changed in the course of a run: what the server held and computed, and how long its answers took."""

import csv
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from statistics import median

from samples import Sample

ANSWERS = ("token check", "refresh")  # asked often enough that a median of ten seconds says something
GROUPS = 30  # a run is cut into so many parts for rates, so that single sign-ins don't make them jump


@dataclass(frozen=True, slots=True)
class Series:
    """Values of one kind over time. ``at`` is in seconds since the start."""

    name: str
    unit: str
    at: Sequence[float]
    values: Sequence[float]

    @property
    def growth(self) -> float:
        """By which share the median of the last third is above that of the second: the first is warming up."""
        third = len(self.values) // 3
        if not third:
            return 0.0
        before = median(self.values[third : 2 * third])
        return (median(self.values[2 * third :]) - before) / before if before else 0.0


def held(samples: Sequence[Sample]) -> Iterator[Series]:
    """Yield what the server held: memory (PSS), files, sockets among them, and connections to the database."""
    at = [sample.at for sample in samples]
    for name, unit in (("memory", "MiB"), ("files", ""), ("sockets", ""), ("connections", "")):
        yield Series(name, unit, at, [float(getattr(sample, name)) for sample in samples])


def computed(samples: Sequence[Sample]) -> Series:
    """Return how much CPU time the server took in a second. At a constant rate of calls it is the cost of a call.

    Unlike the time of an answer it hardly depends on what else the machine does.
    """
    step = max(1, len(samples) // GROUPS)
    kept = samples[::step]
    pairs = [(before, after) for before, after in pairwise(kept) if after.at > before.at]
    return Series(
        "CPU time",
        "ms/s",
        [after.at for _before, after in pairs],
        [1000 * (after.cpu_seconds - before.cpu_seconds) / (after.at - before.at) for before, after in pairs],
    )


def answered(path: Path) -> Iterator[Series]:
    """Yield the median times of answers, each of the ten seconds before, from Locust's full history (CSV)."""
    with path.open(newline="") as lines:
        rows = [row for row in csv.DictReader(lines) if row["50%"] not in ("", "N/A")]
    if not rows:
        return
    began = float(rows[0]["Timestamp"])
    for name in ANSWERS:
        points = [(float(row["Timestamp"]) - began, float(row["50%"])) for row in rows if row["Name"] == name]
        yield Series(f"{name}: median", "ms", [at for at, _ in points], [value for _, value in points])
