"""Replay stored events through rules with other settings."""

import re
from argparse import ArgumentParser
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, NoReturn

from django.utils import timezone
from django.utils.translation import gettext, gettext_noop

from cedrina_base.operator_commands import USAGE, ReportingCommand
from security_events.detection import rules
from security_events.detection.backtest.replay import RISK_RULE
from security_events.detection.backtest.trials import RuleTrial, TrialInvalid, trials_of
from security_events.detection.simulation.rba_file import RbaFile
from security_events.management.backtest_report import document, sections
from security_events.management.rba_option import INTERRUPTED, add_rba_argument, usable
from security_events.services.detection import backtest, rule_settings
from security_events.services.detection.availability import unavailable_reason

_UNITS = {"h": timedelta(hours=1), "d": timedelta(days=1), "w": timedelta(weeks=1)}
_AGE = re.compile(r"([1-9][0-9]{0,4})([hdw])", re.ASCII)
_FIRST = datetime(2000, 1, 1, tzinfo=UTC)


class Command(ReportingCommand):
    help = gettext_noop(
        "Replay stored events through the rules with changed settings and with those in force, and say what differs: "
        "incidents, people who would be challenged, told or refused, and known attacks that would be missed. Nothing "
        "is changed."
    )
    examples = ("detect_backtest", "detect_backtest --json")

    def add_arguments(self, parser: ArgumentParser) -> None:
        super().add_arguments(parser)
        parser.add_argument(
            "--since", default="30d", help=gettext("from when on: 30d, 12h, 4w or a moment such as 2026-01-05T10:00Z")
        )
        parser.add_argument("--until", default="", help=gettext("until when; in the same form, now by default"))
        parser.add_argument(
            "--set",
            action="append",
            default=[],
            metavar="RULE.NAME=VALUE",
            help=gettext("a threshold or the mode of a rule to try; may be given several times"),
        )
        parser.add_argument(
            "--rule", action="append", default=[], metavar="ID", help=gettext("replay this rule only; also several")
        )
        add_rba_argument(parser)

    def perform(self, options: dict[str, Any]) -> dict[str, Any]:
        now = timezone.now()
        since = self._moment("--since", options["since"], now)
        until = self._moment("--until", options["until"], now) if options["until"] else now
        if not since < until:
            self.fail("usage", gettext("--since must be before --until."), exit_code=USAGE)
        rules.load()
        try:
            if options["rba"]:
                return self._on_file(options)
            rule_settings.refresh()
            trials = self._trials(options)
            report = backtest.run(trials=trials, since=since, until=until, progress=self.show_share)
        except KeyboardInterrupt:
            self.fail("interrupted", gettext("Interrupted. Nothing was changed."), exit_code=INTERRUPTED)
        off = {trial.rule.id: str(reason) for trial in trials if (reason := unavailable_reason(trial.rule))}
        return {
            "since": since.isoformat(),
            "until": until.isoformat(),
            "unavailable": off,
            **document(report, trials),
        }

    def show(self, result: dict[str, Any]) -> None:
        for section in sections(result):
            if section.sentence:
                self.stdout.write(section.sentence)
            else:
                self.stdout.write()
                self.table(section.heads, section.rows)

    def _on_file(self, options: dict[str, Any]) -> dict[str, Any]:
        file = RbaFile(options["rba"])
        trials = [trial for trial in self._trials(options) if trial.rule.id != RISK_RULE]
        if not trials or any(text.strip().startswith(f"{RISK_RULE}.") for text in options["set"]):
            sentence = gettext("The file holds no risks of sign-ins, so %(rule)s can't be tried on it.")
            self.fail("usage", sentence % {"rule": RISK_RULE}, exit_code=USAGE)
        with usable(self, file.path):
            report = backtest.run_on_file(trials=trials, file=file, progress=self.show_share)
        return {
            "file": str(file.path),
            "lines": file.lines,
            "bad_lines": file.bad_lines,
            **document(report, trials),
        }

    def _trials(self, options: dict[str, Any]) -> Sequence[RuleTrial]:
        # A file is replayed through the rules' own settings, so that it needs no database.
        in_force = backtest.own_settings if options["rba"] else backtest.settings_in_force
        try:
            return trials_of(rules.RULES, in_force=in_force, changes=options["set"], only=options["rule"])
        except TrialInvalid as error:
            self._refuse(error)

    def _refuse(self, error: TrialInvalid) -> NoReturn:
        sentences = {
            "form": gettext("%(text)s is no change, such as brute_force.failures=8."),
            "rule": gettext("%(text)s names no rule that is replayed. Known are: %(known)s."),
            "name": gettext("%(text)s names no threshold of its rule. It has: %(known)s."),
            "value": gettext("%(text)s has no value that is possible there. Possible are: %(known)s."),
        }
        sentence = sentences[error.code] % {"text": error.text[:200], "known": ", ".join(error.known)}
        self.fail("usage", sentence, exit_code=USAGE)

    def _moment(self, option: str, text: str, now: datetime) -> datetime:
        age = _AGE.fullmatch(text.strip())
        try:
            if age is not None:
                moment = now - int(age[1]) * _UNITS[age[2]]
            else:
                moment = datetime.fromisoformat(text.strip())
                moment = (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).astimezone(UTC)
        except (ValueError, OverflowError):
            moment = None
        if moment is None or not _FIRST <= moment <= now + timedelta(days=1):
            sentence = gettext("%(option)s is neither an age such as 30d nor a moment such as 2026-01-05T10:00Z.")
            self.fail("usage", sentence % {"option": option}, exit_code=USAGE)
        return moment
