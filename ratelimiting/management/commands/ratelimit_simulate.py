"""Replay an access log through policies: what would have been refused."""

import json
import sys
from argparse import ArgumentParser
from collections.abc import Iterator
from pathlib import Path
from typing import Any, TextIO

from django.utils.translation import gettext, gettext_noop

from cedrina_base.operator_commands import USAGE
from ratelimiting.access_logs import LoggedRequest, parse_line
from ratelimiting.errors import PolicyInvalid
from ratelimiting.known_names import known_names
from ratelimiting.management.operator_command import RateLimitCommand
from ratelimiting.policy_schema import LimitPolicy, parse_policy
from ratelimiting.services import simulation

SHOW_EVERY = 5000


class Command(RateLimitCommand):
    help = gettext_noop(
        "Replay an access log (common, combined or JSON lines) through policies and say what would have been refused."
    )
    examples = ("ratelimit_simulate --policies policies.json --log access.log",)

    def add_arguments(self, parser: ArgumentParser) -> None:
        super().add_arguments(parser)
        parser.add_argument("--policies", required=True, help=gettext("a JSON list of policies"))
        parser.add_argument("--log", required=True, help=gettext("the log, or - for standard input"))

    def perform(self, options: dict[str, Any]) -> dict[str, Any]:
        policies = self._policies(options["policies"])
        self.unread = 0
        report = simulation.SimulationReport(policies={policy.name: simulation.PolicyFigures() for policy in policies})
        try:
            with _opened(options["log"]) as log:
                for report in simulation.replay(requests=self._requests(log), policies=policies):
                    if report.requests % SHOW_EVERY == 0:
                        self.show_progress(gettext("%(number)d requests") % {"number": report.requests})
        except OSError as error:
            self.fail("usage", _unreadable(options["log"], error), exit_code=USAGE)
        return {
            "requests": report.requests,
            "refused": report.refused,
            "lines_not_understood": self.unread,
            "policies": {name: figures.report() for name, figures in report.policies.items()},
        }

    def show(self, result: dict[str, Any]) -> None:
        self.stdout.write(
            gettext(
                "%(refused)d of %(requests)d requests would have been refused; %(lines_not_understood)d lines were not "
                "understood."
            )
            % result
        )
        self.table(
            (gettext("policy"), gettext("judged"), gettext("refused"), gettext("most often")),
            [
                (
                    name,
                    found["judged"],
                    found["refused"],
                    ", ".join(f"{k['key']} ({k['refused']})" for k in found["keys"][:3]),
                )
                for name, found in result["policies"].items()
            ],
        )

    def _policies(self, path: str) -> list[LimitPolicy]:
        try:
            documents = json.loads(Path(path).read_text(encoding="utf-8"))
        except OSError as error:
            self.fail("usage", _unreadable(path, error), exit_code=USAGE)
        except ValueError as error:
            self.fail(
                "usage", gettext("%(path)s is no JSON: %(error)s.") % {"path": path, "error": error}, exit_code=USAGE
            )
        if not isinstance(documents, list) or not documents:
            self.fail("usage", gettext("%(path)s must be a JSON list of policies.") % {"path": path}, exit_code=USAGE)
        known = known_names()
        try:
            return [parse_policy(each, known=known, source=path) for each in documents]
        except PolicyInvalid as error:
            self.fail("usage", "\n".join(map(str, error.faults)), exit_code=USAGE)

    def _requests(self, log: TextIO) -> Iterator[LoggedRequest]:
        for line in log:
            request = parse_line(line)
            if request is not None:
                yield request
            elif line.strip():
                self.unread += 1


def _unreadable(path: str, error: OSError) -> str:
    return gettext("%(path)s can't be read: %(error)s.") % {"path": path, "error": error.strerror}


def _opened(path: str) -> Any:
    return sys.stdin if path == "-" else Path(path).open(encoding="utf-8", errors="replace")
