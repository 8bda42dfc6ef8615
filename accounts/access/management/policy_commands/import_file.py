"""``policies import``: make the stored policy as a file says."""

from argparse import ArgumentParser
from collections.abc import Iterable, Mapping
from typing import Any

from django.utils import timezone
from django.utils.translation import gettext, gettext_noop

from accounts.access.management.policy_commands.reading import add_file, policy_file, required_reason
from accounts.access.services import policy_file_tests, policy_files
from cedrina_base.operator_commands import OperatorCommand

NAME = "import"
HELP = gettext_noop("make rules and roles as a file says, as one version; the tests of the file must pass")


def add_arguments(command: OperatorCommand, parser: ArgumentParser) -> None:
    """Add the arguments of this command."""
    add_file(parser)
    command.add_reason_argument(parser)
    parser.add_argument(
        "--if-version",
        type=int,
        metavar="NUMBER",
        help=gettext("import only if this version is still the one in force"),
    )


def perform(command: OperatorCommand, options: dict[str, Any]) -> dict[str, Any]:
    """Import the file. Raises: as ``policy_files.apply``."""
    reason = required_reason(command, options)
    file, now = policy_file(command, options["file"]), timezone.now()
    failed = [result for result in policy_file_tests.run(file, now=now) if not result.is_passed]
    if failed:
        sentence = gettext("Nothing was imported, because tests of the file fail: %d. See `policies test`.") % len(
            failed
        )
        command.fail("tests_failed", sentence)
    report = policy_files.apply(
        file, reason=reason, now=now, only_version=options["if_version"], is_kept=not options["dry_run"]
    )
    return {
        "action": NAME,
        "result": "would_import" if options["dry_run"] else "imported",
        "version": report.version,
        "exported_version": file.version,
        "roles": {name: _pair(pair) for name, pair in report.roles.items()},
        "rules": {rule_id: _pair(pair) for rule_id, pair in report.rules.items()},
    }


def lines(result: dict[str, Any]) -> Iterable[str]:
    """Return the report as text: each role and rule that changes, with + what it becomes and - what it was."""
    for kind, name_of in (("roles", _role_sentence), ("rules", _rule_sentence)):
        for key, pair in result[kind].items():
            for sign, document in (("-", pair["before"]), ("+", pair["after"])):
                if document is not None:
                    yield f"{sign} {name_of(key, document)}"
    if not (result["roles"] or result["rules"]):
        yield gettext("The file says what is stored: nothing changes.")
    elif result["result"] == "would_import":
        yield gettext("This would be imported. The version in force is %(version)d.") % result
    else:
        yield gettext("Imported as version %(version)d.") % result


def _pair(pair: tuple[Mapping[str, Any] | None, Mapping[str, Any] | None]) -> dict[str, Any]:
    return dict(zip(("before", "after"), pair, strict=True))


def _role_sentence(name: str, role: Mapping[str, Any]) -> str:
    return f"role {name}: " + _members(role)


def _rule_sentence(_rule_id: str, rule: Mapping[str, Any]) -> str:
    further = {name: value for name, value in rule.items() if name not in ("subject", "object", "action", "effect")}
    words = f"{rule['effect']} {rule['subject']} {rule['action']} {rule['object']}"
    return f"{words}  {_members(further)}".rstrip()


def _members(document: Mapping[str, Any]) -> str:
    return ", ".join(f"{name}={value}" for name, value in document.items() if value)
