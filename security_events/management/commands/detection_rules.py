"""List detection rules with their precision, and change the mode or thresholds of one."""

from argparse import ArgumentParser, ArgumentTypeError
from typing import Any

from django.utils import timezone
from django.utils.encoding import force_str
from django.utils.translation import gettext, gettext_noop

from cedrina_base.operator_commands import OperatorCommand
from security_events.detection import rules
from security_events.detection.errors import RuleNotFound, ThresholdInvalid
from security_events.detection.rules import Rule
from security_events.errors import SecurityEventRefusal
from security_events.selectors.detection.rule_figures import RuleFigures, figures_of_rules
from security_events.services.detection import rule_settings
from security_events.services.detection.rule_settings import LONGEST_REASON
from security_events.types import NO_SUBJECT, RuleMode


class Command(OperatorCommand):
    help = gettext_noop("List detection rules with their precision, or change the mode or thresholds of one.")
    examples = (
        "detection_rules list",
        'detection_rules set password-spraying --mode shadow --reason "Too many false alarms"',
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        actions = parser.add_subparsers(dest="action", required=True, metavar="ACTION")
        self._add(actions, "list", gettext("show all rules with what is in force"))
        change = self._add(actions, "set", gettext("change a rule; all processes follow within 2 seconds"))
        change.add_argument("rule", help=gettext("the id of the rule"))
        change.add_argument("--mode", choices=list(RuleMode))
        change.add_argument(
            "--threshold", type=_threshold, action="append", default=[], metavar="NAME=NUMBER", dest="thresholds"
        )
        change.add_argument("--reason", required=True, help=gettext("why, for the audit trail"))

    def perform(self, options: dict[str, Any]) -> dict[str, Any]:
        rule_settings.refresh_at_once()
        if options["action"] == "list":
            figures = figures_of_rules(now=timezone.now())
            found = [_body(rule, figures.get(rule.id, RuleFigures())) for rule in rules.in_order()]
            return {"result": "listed", "rules": found}
        rule = rules.find(options["rule"])
        if rule is None:
            self.fail(RuleNotFound.code, force_str(RuleNotFound.message))
        if len(options["reason"]) > LONGEST_REASON:
            sentence = gettext("A reason has %(most)d characters at most.")
            self.fail("validation_error", sentence % {"most": LONGEST_REASON})
        if options["dry_run"]:
            return {"result": "would_change", "rule": _body(rule, RuleFigures())}
        try:
            rule_settings.change(
                rule_id=rule.id,
                mode=RuleMode(options["mode"]) if options["mode"] else None,
                thresholds=dict(options["thresholds"]),
                reason=options["reason"],
                actor=NO_SUBJECT,
                now=timezone.now(),
            )
        except ThresholdInvalid as error:
            sentence = gettext("The rule has no threshold %(name)s, or it can't have this value. It has: %(names)s.")
            names = ", ".join(rule.thresholds) or "-"
            self.fail("validation_error", sentence % {"name": error.name, "names": names})
        except SecurityEventRefusal as error:
            self.fail(error.code, force_str(error.message))
        rule_settings.refresh_at_once()
        return {
            "result": "changed",
            "rule": _body(rule, figures_of_rules(now=timezone.now()).get(rule.id, RuleFigures())),
        }

    def sentence(self, result: dict[str, Any]) -> str:
        if result["result"] == "listed":
            return "\n".join(_line(each) for each in result["rules"])
        words = {
            "changed": gettext("The rule was changed. All processes follow within 2 seconds."),
            "would_change": gettext("The rule would be changed."),
        }
        return f"{words[result['result']]}\n{_line(result['rule'])}"

    def _add(self, actions: Any, name: str, text: str) -> ArgumentParser:
        parser: ArgumentParser = actions.add_parser(name, help=text)
        super().add_arguments(parser)
        return parser


def _body(rule: Rule, figures: RuleFigures) -> dict[str, Any]:
    in_force = rule_settings.of(rule)
    return {
        "id": rule.id,
        "title": force_str(rule.title),
        "mode": str(in_force.mode),
        "thresholds": dict(in_force.thresholds),
        "version": in_force.version,
        "precision": figures.precision,
        "verdicts": dict(figures.verdicts),
        "unresolved": figures.unresolved,
        "shadow_findings": figures.shadow_findings,
    }


def _line(rule: dict[str, Any]) -> str:
    thresholds = " ".join(f"{name}={value}" for name, value in rule["thresholds"].items())
    precision = "-" if rule["precision"] is None else f"{rule['precision']:.0%}"
    return f"{rule['id']:26}  {rule['mode']:8}  {precision:>5}  {thresholds}".rstrip()


def _threshold(text: str) -> tuple[str, int]:
    name, _, number = text.partition("=")
    if not name or not number.isascii() or not number.isdigit() or len(number) > 10:
        raise ArgumentTypeError(gettext("a threshold looks like `failures=10`"))
    return name, int(number)
