"""``policies test``: run the tests of a file against its own rules."""

import json
from argparse import ArgumentParser
from collections.abc import Iterable
from typing import Any

from django.utils import timezone
from django.utils.translation import gettext, gettext_noop

from accounts.access.deciding.index import Reason
from accounts.access.management.policy_commands.reading import add_file, policy_file
from accounts.access.services import policy_file_tests
from accounts.access.services.policy_file_tests import FileTestResult
from cedrina_base.operator_commands import FAILED, OperatorCommand

NAME = "test"
HELP = gettext_noop("run the tests of a file against the rules of the file; the stored policy is not looked at")


def add_arguments(_command: OperatorCommand, parser: ArgumentParser) -> None:
    """Add the arguments of this command."""
    add_file(parser)


def perform(command: OperatorCommand, options: dict[str, Any]) -> dict[str, Any]:
    """Run the tests; one that fails makes the exit code 1. Raises: PolicyFileInvalid."""
    results = policy_file_tests.run(policy_file(command, options["file"]), now=timezone.now())
    failures = [_failure(result) for result in results if not result.is_passed]
    report = {"action": NAME, "result": "failed" if failures else "passed", "tests": len(results), "failures": failures}
    if failures:
        if command.is_json:
            command.stdout.write(json.dumps(report))
        else:
            command.show(report)
        raise SystemExit(FAILED)
    return report


def lines(result: dict[str, Any]) -> Iterable[str]:
    """Return the report as text: a sentence for each test that failed."""
    for failure in result["failures"]:
        yield failure["sentence"]
    if result["failures"]:
        counts = {"failed": len(result["failures"]), "tests": result["tests"]}
        yield gettext("Tests that failed: %(failed)d of %(tests)d.") % counts
    else:
        yield gettext("All tests passed: %(tests)d.") % result


def _failure(result: FileTestResult) -> dict[str, Any]:
    test = result.test
    question = f"tests[{test.number}]: {test.subject} {test.action} {test.object}"
    values = {"question": question, "wanted": test.effect, "rule": result.rule}
    match result.decision.reason:
        case Reason.ALLOWED:
            sentence = gettext("%(question)s: expected %(wanted)s, but %(rule)s allows it.") % values
        case Reason.DENIED:
            sentence = gettext("%(question)s: expected %(wanted)s, but %(rule)s denies it.") % values
        case Reason.NO_RULE:
            sentence = gettext("%(question)s: expected %(wanted)s, but no rule matches.") % values
        case _:
            sentence = gettext("%(question)s: expected %(wanted)s, but this is no path of an object.") % values
    return {"test": test.number, "expected": test.effect, "rule": result.rule, "sentence": sentence}
