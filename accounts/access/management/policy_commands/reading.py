"""Read a policy file and a reason, as several of these commands do."""

from argparse import ArgumentParser
from contextlib import suppress
from pathlib import Path
from typing import Any

from django.utils.translation import gettext

from accounts.access.policy_files import documents
from accounts.access.policy_files.documents import PolicyFile
from accounts.access.policy_files.strict_yaml import MOST_BYTES
from cedrina_base.operator_commands import USAGE, OperatorCommand

LONGEST_REASON = 200


def add_file(parser: ArgumentParser) -> None:
    """Add the argument that names a policy file."""
    parser.add_argument(
        "file", type=Path, metavar="FILE", help=gettext("a policy file, as `policies export` writes it")
    )


def policy_file(command: OperatorCommand, path: Path) -> PolicyFile:
    """Return what a file says; a file that can't be read ends the command. Raises: PolicyFileInvalid."""
    data = None
    with suppress(OSError, ValueError):
        if path.is_file():  # a device or a pipe may have no end
            with path.open("rb") as file:
                data = file.read(MOST_BYTES + 1)
    if data is None:
        command.fail("unreadable", gettext("%(file)s can't be read. Name another file.") % {"file": path})
    return documents.parse(data)


def required_reason(command: OperatorCommand, options: dict[str, Any]) -> str:
    """Return the reason; one that is empty, too long or not on one line ends the command."""
    reason: str = options["reason"]
    if not reason.strip() or len(reason) > LONGEST_REASON or not reason.isprintable():
        sentence = gettext("Say why with --reason: text on one line, of at most %d characters.") % LONGEST_REASON
        command.fail("usage", sentence, exit_code=USAGE)
    return reason
