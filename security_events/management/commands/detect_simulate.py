"""Measure the rules, and the risk of sign-ins beside the scientific peer, on simulated traffic."""

from argparse import ArgumentParser
from dataclasses import asdict
from pathlib import Path
from typing import Any

from django.utils.translation import gettext, gettext_noop

from cedrina_base.operator_commands import USAGE, ReportingCommand
from security_events.detection import rules
from security_events.detection.simulation import curves, evaluation, rule_measurement
from security_events.detection.simulation.attackers import Attacker


class Command(ReportingCommand):
    help = gettext_noop(
        "Simulate people and attackers. Say how many attacks each rule finds, how many of its findings are attacks, "
        "and how many people the risk of sign-ins would challenge. The traffic is invented: the figures say nothing "
        "about your own users."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        super().add_arguments(parser)
        parser.add_argument("--seed", type=int, default=101, help=gettext("the same seed gives the same traffic"))
        parser.add_argument("--people", type=int, default=400, help=gettext("how many people sign in"))
        parser.add_argument("--days", type=int, default=200, help=gettext("for how many days"))
        parser.add_argument("--attacks", type=int, default=20, help=gettext("how many attacks for each rule"))
        parser.add_argument("--plot", metavar="FILE", help=gettext("write the curves of targeted attacks as SVG"))

    def perform(self, options: dict[str, Any]) -> dict[str, Any]:
        people, days, attacks = options["people"], options["days"], options["attacks"]
        if not (10 <= people <= 100_000 and 5 <= days <= 3650 and 1 <= attacks <= 1000):
            self.fail(
                "usage",
                gettext("Give 10 to 100,000 people, 5 to 3,650 days and 1 to 1,000 attacks."),
                exit_code=USAGE,
            )
        found = evaluation.compare(seed=options["seed"], people=people, days=days, progress=self._progress)
        if not all(scores.honest for scores in found.values()):
            self.fail(
                "usage",
                gettext("Nobody signed in often enough. Simulate more days."),
                exit_code=USAGE,
            )
        if options["plot"]:
            self._plot(Path(options["plot"]), found)
        rules.load()
        measured = rule_measurement.measure(
            tuple(rules.RULES.values()),
            seed=options["seed"],
            people=people,
            days=days,
            attacks=attacks,
        )
        return {
            "seed": options["seed"],
            "rules": {
                rule: {
                    **asdict(figures),
                    "recall": figures.recall,
                    "precision": figures.precision,
                    "false_per_1000_people_and_30_days": round(
                        (figures.incidents - figures.right) * 1000 / people * 30 / days, 2
                    ),
                }
                for rule, figures in measured.items()
                if figures.attacks
            },
            "caught": evaluation.CAUGHT,
            "scores": [
                {
                    "history": history,
                    "method": method,
                    "sign_ins": len(scores.honest),
                    "challenged": {str(each): round(scores.challenged(each), 4) for each in Attacker},
                    "area": {str(each): round(scores.area(each), 4) for each in Attacker},
                }
                for (history, method), scores in sorted(found.items())
            ],
        }

    def show(self, result: dict[str, Any]) -> None:
        self.table(
            (
                gettext("rule"),
                gettext("attacks"),
                gettext("found"),
                gettext("incidents"),
                gettext("right"),
                gettext("false for 1,000 people in 30 days"),
            ),
            [
                (
                    rule,
                    row["attacks"],
                    f"{row['found']} ({row['recall']:.1%})",
                    row["incidents"],
                    f"{row['right']} ({row['precision']:.1%})",
                    row["false_per_1000_people_and_30_days"],
                )
                for rule, row in result["rules"].items()
            ],
        )
        self.stdout.write()
        self.stdout.write(
            gettext("Of the honest sign-ins, this share is challenged where %(caught)d %% of the attacks are caught.")
            % {"caught": round(100 * result["caught"])}
        )
        self.table(
            (gettext("earlier sign-ins"), gettext("score"), *map(str, Attacker)),
            [
                (row["history"], row["method"], *(f"{row['challenged'][str(each)]:.1%}" for each in Attacker))
                for row in result["scores"]
            ],
        )

    def _progress(self, day: float) -> None:
        self.show_progress(gettext("day %(number)d") % {"number": day})

    def _plot(self, path: Path, found: evaluation.Comparison) -> None:
        try:
            path.write_text(curves.svg(found, Attacker.TARGETED), encoding="utf-8")
        except OSError as error:
            self.fail(
                "usage",
                gettext("%(path)s can't be written: %(error)s.") % {"path": path, "error": error.strerror},
                exit_code=USAGE,
            )
