"""Seeds that nobody has seen, and what rules and scores reached on several of them.

Whoever writes down a sentence before the first run has chosen its seeds without having seen what they give.
"""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import mean

from security_events.detection.simulation.attackers import Attacker
from security_events.detection.simulation.evaluation import Comparison
from security_events.detection.simulation.rule_measurement import RuleFigures


def seeds_of(sentence: str, number: int) -> list[int]:
    """Return the seeds of a sentence: the first 32 bits of SHA-256 of it, a space and 1, then 2, and so on."""
    return [
        int.from_bytes(hashlib.sha256(f"{sentence} {each}".encode()).digest()[:4], "big")
        for each in range(1, number + 1)
    ]


@dataclass(frozen=True, slots=True)
class FiguresOfSeeds:
    """What a rule reached on some seeds: the worst of them, the mean, and all of them taken together."""

    attacks: int
    found: int
    incidents: int
    right: int
    least_recall: float
    mean_recall: float
    least_precision: float
    mean_precision: float


def figures_of_seeds(measured: Sequence[Mapping[str, RuleFigures]]) -> dict[str, FiguresOfSeeds]:
    """Return what each rule with attacks reached, given its figures for each seed."""
    of_rules = {rule: [each[rule] for each in measured] for rule, first in measured[0].items() if first.attacks}
    return {
        rule: FiguresOfSeeds(
            attacks=sum(each.attacks for each in found),
            found=sum(each.found for each in found),
            incidents=sum(each.incidents for each in found),
            right=sum(each.right for each in found),
            least_recall=min(each.recall for each in found),
            mean_recall=mean(each.recall for each in found),
            least_precision=min(each.precision for each in found),
            mean_precision=mean(each.precision for each in found),
        )
        for rule, found in of_rules.items()
    }


def ranges_of_seeds(compared: Sequence[Comparison]) -> dict[tuple[int, str], dict[str, tuple[float, float]]]:
    """Return the least and the largest share of honest sign-ins challenged, by history, score and attacker."""
    return {
        of_score: {
            str(attacker): (min(shares), max(shares))
            for attacker in Attacker
            if (shares := [each[of_score].challenged(attacker) for each in compared])
        }
        for of_score in sorted(compared[0])
    }
