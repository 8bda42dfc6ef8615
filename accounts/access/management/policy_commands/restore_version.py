"""``policies rollback``: restore a version."""

from argparse import ArgumentParser
from collections.abc import Iterable
from typing import Any

from django.utils import timezone
from django.utils.translation import gettext, gettext_noop

from accounts.access import policy_lists
from accounts.access.management.policy_commands.reading import required_reason
from accounts.access.services.policy_restoring import rollback
from accounts.access.types import Author
from cedrina_base.operator_commands import OperatorCommand

NAME = "rollback"
HELP = gettext_noop("make all rules and roles as they were in a version, as a new version")


def add_arguments(command: OperatorCommand, parser: ArgumentParser) -> None:
    """Add the arguments of this command."""
    parser.add_argument("version", type=int, metavar="VERSION", help=gettext("the number of the version to restore"))
    command.add_reason_argument(parser)


def perform(command: OperatorCommand, options: dict[str, Any]) -> dict[str, Any]:
    """Restore the version. Raises: as ``policy_restoring.rollback``."""
    reason, number = required_reason(command, options), options["version"]
    row = policy_lists.version(number)
    if options["dry_run"]:
        return {"action": NAME, "result": "would_restore", "restored": row.number, "version": None}
    made = rollback(number=row.number, author=Author(), reason=reason, now=timezone.now())
    return {"action": NAME, "result": "restored", "restored": row.number, "version": made}


def lines(result: dict[str, Any]) -> Iterable[str]:
    """Return the report as text."""
    if result["result"] == "would_restore":
        yield gettext("Version %(restored)d would be restored.") % result
    else:
        yield gettext("Version %(restored)d was restored as version %(version)d.") % result
