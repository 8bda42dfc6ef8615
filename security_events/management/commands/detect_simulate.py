"""Measure the rules, and the risk of sign-ins beside the scientific peer, on simulated traffic."""

from argparse import ArgumentParser
from collections.abc import Callable, Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any, NoReturn

from django.utils.translation import gettext, gettext_noop

from cedrina_base.operator_commands import USAGE, ReportingCommand
from security_events.detection import rules
from security_events.detection.simulation import curves, evaluation, rule_measurement
from security_events.detection.simulation.attackers import Attacker
from security_events.detection.simulation.blind_seeds import seeds_of
from security_events.detection.simulation.file_evaluation import examine
from security_events.detection.simulation.labelled_stream import labelled_sign_ins
from security_events.detection.simulation.rba_file import RbaFile, write
from security_events.management import seeds_report
from security_events.management.rba_option import INTERRUPTED, add_rba_argument, usable

_PEOPLE, _PEOPLE_OF_FILE = 400, 20_000


class Command(ReportingCommand):
    help = gettext_noop(
        "Simulate people and attackers. Say how many attacks each rule finds, how many of its findings are attacks, "
        "and how many people the risk of sign-ins would challenge. The traffic is invented: the figures say nothing "
        "about your own users."
    )
    examples = ("detect_simulate", "detect_simulate --json")

    def add_arguments(self, parser: ArgumentParser) -> None:
        super().add_arguments(parser)
        parser.add_argument("--seed", type=int, default=101, help=gettext("the same seed gives the same traffic"))
        parser.add_argument(
            "--sentence", metavar="TEXT", help=gettext("take seeds that a sentence of yours gives, and print the worst")
        )
        parser.add_argument("--seeds", type=int, default=10, help=gettext("how many seeds of the sentence"))
        parser.add_argument(
            "--people", type=int, help=gettext("how many people sign in: 400; of a file, the first 20,000 accounts")
        )
        parser.add_argument("--days", type=int, default=200, help=gettext("for how many days"))
        parser.add_argument("--attacks", type=int, default=20, help=gettext("how many attacks for each rule"))
        parser.add_argument("--plot", metavar="FILE", help=gettext("write the curves of targeted attacks as SVG"))
        parser.add_argument(
            "--output",
            type=Path,
            metavar="FILE",
            help=gettext("write the sign-ins with the columns of the RBA data set, and measure nothing"),
        )
        add_rba_argument(parser)

    def perform(self, options: dict[str, Any]) -> dict[str, Any]:
        rules.load()
        try:
            if options["rba"]:
                return self._on_file(options)
            return self._on_simulation(options)
        except KeyboardInterrupt:
            self.fail("interrupted", gettext("Interrupted. Nothing was changed."), exit_code=INTERRUPTED)

    def _on_simulation(self, options: dict[str, Any]) -> dict[str, Any]:
        people = _PEOPLE if options["people"] is None else options["people"]
        days, attacks = options["days"], options["attacks"]
        if not (10 <= people <= 100_000 and 5 <= days <= 3650 and 1 <= attacks <= 1000):
            self.fail(
                "usage",
                gettext("Give 10 to 100,000 people, 5 to 3,650 days and 1 to 1,000 attacks."),
                exit_code=USAGE,
            )
        if options["output"]:
            return self._write(options["output"], seed=options["seed"], people=people, days=days, attacks=attacks)
        if options["sentence"]:
            return self._on_seeds(options["sentence"], options["seeds"], people=people, days=days, attacks=attacks)
        found, measured = self._measure(options["seed"], people=people, days=days, attacks=attacks)
        if options["plot"]:
            self._plot(Path(options["plot"]), found)
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
            "scores": _scores(found),
        }

    def _measure(
        self, seed: int, *, people: int, days: int, attacks: int
    ) -> tuple[evaluation.Comparison, Mapping[str, rule_measurement.RuleFigures]]:
        found = evaluation.compare(seed=seed, people=people, days=days, progress=self._progress)
        if not all(scores.honest for scores in found.values()):
            self.fail(
                "usage",
                gettext("Nobody signed in often enough. Simulate more days."),
                exit_code=USAGE,
            )
        asked = tuple(rules.RULES.values())
        return found, rule_measurement.measure(asked, seed=seed, people=people, days=days, attacks=attacks)

    def _on_seeds(self, sentence: str, number: int, *, people: int, days: int, attacks: int) -> dict[str, Any]:
        if not 2 <= number <= 100:
            self.fail("usage", gettext("Give 2 to 100 seeds."), exit_code=USAGE)
        seeds = seeds_of(sentence, number)
        found = [self._measure(seed, people=people, days=days, attacks=attacks) for seed in seeds]
        return seeds_report.report(seeds, [measured for _, measured in found], [compared for compared, _ in found])

    def _on_file(self, options: dict[str, Any]) -> dict[str, Any]:
        file, people = RbaFile(options["rba"]), _PEOPLE_OF_FILE if options["people"] is None else options["people"]
        if people < 1:
            self.fail("usage", gettext("Give at least one account with --people."), exit_code=USAGE)
        with usable(self, file.path):
            examined = examine(
                file, tuple(rules.RULES.values()), people=people, seed=options["seed"], progress=self.show_share
            )
        if options["plot"]:
            self._plot(Path(options["plot"]), examined.comparison)
        return {
            "file": str(file.path),
            "lines": file.lines,
            "bad_lines": file.bad_lines,
            "rules_of_file": {
                outcome.rule: {"incidents": outcome.incidents_after, "attacks": outcome.attacks_after}
                for outcome in examined.rules
            },
            "caught": evaluation.CAUGHT,
            "scores": _scores(examined.comparison),
        }

    def _write(self, path: Path, **size: int) -> dict[str, Any]:
        try:
            return {"output": str(path), "lines": write(path, labelled_sign_ins(**size))}
        except OSError as error:
            self._fail_to_write(path, error)

    def show(self, result: dict[str, Any]) -> None:
        if "output" in result:
            self.stdout.write(gettext("%(lines)d sign-ins are in %(output)s.") % result)
            return
        if "rules_of_seeds" in result:
            seeds_report.show(self, result)
            return
        if "file" in result:
            self.stdout.write(
                gettext("%(lines)d lines of %(file)s were read, %(bad_lines)d were no sign-ins.") % result
            )
            self.table(
                (gettext("rule"), gettext("incidents"), gettext("with an attacker's address")),
                [(rule, row["incidents"], row["attacks"]) for rule, row in result["rules_of_file"].items()],
            )
        else:
            self._show_rules(result)
        self.stdout.write()
        self.stdout.write(
            gettext("Of the honest sign-ins, this share is challenged where %(caught)d %% of the attacks are caught.")
            % {"caught": round(100 * result["caught"])}
        )
        self.table(
            (gettext("earlier sign-ins"), gettext("score"), *map(str, Attacker)),
            [
                (row["history"], row["method"], *(_percent(row["challenged"][str(each)]) for each in Attacker))
                for row in result["scores"]
            ],
        )

    def _show_rules(self, result: dict[str, Any]) -> None:
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

    def _progress(self, day: float) -> None:
        self.show_progress(gettext("day %(number)d") % {"number": day})

    def _plot(self, path: Path, found: evaluation.Comparison) -> None:
        try:
            path.write_text(curves.svg(found, Attacker.TARGETED), encoding="utf-8")
        except OSError as error:
            self._fail_to_write(path, error)

    def _fail_to_write(self, path: Path, error: OSError) -> NoReturn:
        sentence = gettext("%(path)s can't be written: %(error)s.") % {"path": path, "error": error.strerror}
        self.fail("usage", sentence, exit_code=USAGE)


def _scores(found: evaluation.Comparison) -> list[dict[str, Any]]:
    """Return the figures of both scores; ``None`` where the stream held no such attackers or no such history."""
    return [
        {
            "history": history,
            "method": method,
            "sign_ins": len(scores.honest),
            "challenged": {str(each): _figure(scores, each, scores.challenged) for each in Attacker},
            "area": {str(each): _figure(scores, each, scores.area) for each in Attacker},
        }
        for (history, method), scores in sorted(found.items())
    ]


def _figure(scores: evaluation.Scores, attacker: Attacker, figure: Callable[[Attacker], float]) -> float | None:
    return round(figure(attacker), 4) if scores.honest and scores.attacks[attacker] else None


def _percent(share: float | None) -> str:
    return "-" if share is None else f"{share:.1%}"
