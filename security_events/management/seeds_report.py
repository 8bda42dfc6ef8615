"""What ``detect_simulate --sentence`` prints: each rule and both scores on several seeds."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any

from django.utils.translation import gettext

from cedrina_base.operator_commands import ReportingCommand
from security_events.detection.simulation.attackers import Attacker
from security_events.detection.simulation.blind_seeds import figures_of_seeds, ranges_of_seeds
from security_events.detection.simulation.evaluation import Comparison
from security_events.detection.simulation.rule_measurement import RuleFigures


def report(
    seeds: Sequence[int], measured: Sequence[Mapping[str, RuleFigures]], compared: Sequence[Comparison]
) -> dict[str, Any]:
    """Return what the seeds gave, as the command prints it in JSON."""
    return {
        "seeds": list(seeds),
        "rules_of_seeds": {rule: asdict(figures) for rule, figures in figures_of_seeds(measured).items()},
        "challenged_of_seeds": [
            {"history": history, "method": method, **{name: list(shares) for name, shares in of_attackers.items()}}
            for (history, method), of_attackers in ranges_of_seeds(compared).items()
        ],
    }


def show(command: ReportingCommand, result: Mapping[str, Any]) -> None:
    """Print the figures of the seeds as tables."""
    command.stdout.write(gettext("Seeds: %(seeds)s") % {"seeds": ", ".join(map(str, result["seeds"]))})
    command.table(
        (
            gettext("rule"),
            gettext("attacks"),
            gettext("least recall"),
            gettext("mean recall"),
            gettext("incidents"),
            gettext("least precision"),
            gettext("mean precision"),
        ),
        [
            (
                rule,
                row["attacks"],
                f"{row['least_recall']:.1%}",
                f"{row['mean_recall']:.1%}",
                row["incidents"],
                f"{row['least_precision']:.1%}",
                f"{row['mean_precision']:.1%}",
            )
            for rule, row in result["rules_of_seeds"].items()
        ],
    )
    command.stdout.write()
    command.table(
        (gettext("earlier sign-ins"), gettext("score"), *map(str, Attacker)),
        [
            (row["history"], row["method"], *(_range(row[str(each)]) for each in Attacker))
            for row in result["challenged_of_seeds"]
        ],
    )


def _range(shares: Sequence[float]) -> str:
    return f"{shares[0]:.1%} - {shares[1]:.1%}"
