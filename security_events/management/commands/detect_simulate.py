"""Measure the risk of sign-ins on simulated traffic, beside the scientific peer."""

from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.utils.translation import gettext, gettext_noop

from cedrina_base.operator_commands import USAGE, ReportingCommand
from security_events.detection.simulation import curves, evaluation
from security_events.detection.simulation.attackers import Attacker


class Command(ReportingCommand):
    help = gettext_noop(
        "Simulate sign-ins of people and attackers, and say how many of the people would be challenged. The traffic is "
        "invented: the figures compare two scores, and say nothing about your own users."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        super().add_arguments(parser)
        parser.add_argument("--seed", type=int, default=101, help=gettext("the same seed gives the same traffic"))
        parser.add_argument("--people", type=int, default=400, help=gettext("how many people sign in"))
        parser.add_argument("--days", type=int, default=200, help=gettext("for how many days"))
        parser.add_argument("--plot", metavar="FILE", help=gettext("write the curves of targeted attacks as SVG"))

    def perform(self, options: dict[str, Any]) -> dict[str, Any]:
        if not (10 <= options["people"] <= 100_000 and 1 <= options["days"] <= 3650):
            self.fail("usage", gettext("Give 10 to 100,000 people and 1 to 3,650 days."), exit_code=USAGE)
        found = evaluation.compare(
            seed=options["seed"], people=options["people"], days=options["days"], progress=self._progress
        )
        if not all(scores.honest for scores in found.values()):
            self.fail(
                "usage",
                gettext("Nobody signed in often enough. Simulate more days."),
                exit_code=USAGE,
            )
        if options["plot"]:
            self._plot(Path(options["plot"]), found)
        return {
            "seed": options["seed"],
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
