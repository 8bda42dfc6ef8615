"""Ratios of a peer's figure to ours, from what the load generator and the limiters' benchmark wrote.

All ratios say how many times better Cedrina is, so more is better. They are pinned in `pinned_ratios.json`.
"""

import statistics
from dataclasses import dataclass
from typing import Any

OURS = "cedrina"
# Worse than this share of the pinned ratio fails; better by as much is worth pinning.
TOLERANCE = 0.1
FLOOR = "bare EVALSHA, our connections"
FOUR_LEVELS = "4"


@dataclass(frozen=True)
class Pinned:
    """A ratio that was measured once and must not get worse: of what, to which peer, and how large."""

    kind: str  # "cpu", "memory" or "rate check"
    operation: str
    peer: str
    ratio: float

    @property
    def name(self) -> str:
        """How the table calls it."""
        return f"{self.kind} {self.operation}".strip()

    @property
    def lowest(self) -> float:
        """The ratio that is just accepted."""
        return self.ratio * (1 - TOLERANCE)


def measured(pinned: Pinned, *, load: dict[str, Any], limiters: dict[str, Any]) -> float:
    """Return the ratio as it is in these results.

    Raises: ValueError when something in them answered wrongly, or was not measured.
    """
    if pinned.kind == "rate check":
        return rate_check_share(limiters)
    targets = load["targets"]
    if not {OURS, pinned.peer} <= targets.keys():
        raise ValueError(f"{pinned.peer} or {OURS} was not measured.")
    if pinned.kind == "memory":
        return float(targets[pinned.peer]["pss_mib_after"] / targets[OURS]["pss_mib_after"])
    return cpu_ratio(*(only_row(targets[name], name, pinned.operation) for name in (pinned.peer, OURS)))


def only_row(target: dict[str, Any], name: str, operation: str) -> dict[str, Any]:
    """Return the figures of an operation at the one number of users.

    Raises: ValueError when there are none, or with errors.
    """
    rows = list(target.get(operation, {}).values())
    if len(rows) != 1 or not rows[0]["requests"]:
        raise ValueError(f"{operation} of {name} was not measured.")
    if rows[0]["errors"]:
        raise ValueError(f"{operation} of {name} had {rows[0]['errors']} errors: {rows[0]['first_error']}")
    return dict(rows[0])


def cpu_ratio(theirs: dict[str, Any], ours: dict[str, Any]) -> float:
    """Return the median over the rounds of their CPU time by ours; both had their turn within seconds of each other."""
    pairs = zip(theirs["server_cpu_s_per_1000_rounds"], ours["server_cpu_s_per_1000_rounds"], strict=True)
    return statistics.median(their / our for their, our in pairs)


def rate_check_share(limiters: dict[str, Any]) -> float:
    """Return which share of a bare EVALSHA's rate our slowest algorithm reaches by four levels."""
    rates = {name: row[FOUR_LEVELS]["checks_per_s"] for name, row in limiters.items()}
    return float(min(rate for name, rate in rates.items() if name.startswith(OURS)) / rates[FLOOR])


def is_worse(pinned: Pinned, ratio: float) -> bool:
    """Return whether a ratio is worse than the pinned one by more than the tolerance."""
    return ratio < pinned.lowest


def failed(all_pinned: list[Pinned], first: dict[str, float], again: dict[str, float]) -> list[Pinned]:
    """Return what is worse than pinned, also when it was measured once more."""
    return [
        each for each in all_pinned if is_worse(each, first[each.name]) and is_worse(each, again.get(each.name, 0.0))
    ]


def table(all_pinned: list[Pinned], first: dict[str, float], again: dict[str, float]) -> str:
    """Return the table that is printed."""
    lines = [f"{'':18}{'against':34}{'pinned':>8}{'lowest':>8}{'found':>8}{'again':>8}"]
    worse = failed(all_pinned, first, again)
    for each in all_pinned:
        best = max(first[each.name], again.get(each.name, 0.0))
        said = "worse" if each in worse else "better: pin it" if best > each.ratio * (1 + TOLERANCE) else "ok"
        second = f"{again[each.name]:8.2f}" if each.name in again else f"{'':8}"
        figures = f"{each.ratio:8.2f}{each.lowest:8.2f}{first[each.name]:8.2f}{second}"
        lines.append(f"{each.name:18}{each.peer:34}{figures}  {said}")
    return "\n".join(lines)
