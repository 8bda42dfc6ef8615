"""``policies export``: write the stored policy to a file."""

import os
from argparse import ArgumentParser
from collections.abc import Iterable
from pathlib import Path
from tempfile import NamedTemporaryFile
from typing import Any

from django.utils.translation import gettext, gettext_noop

from accounts.access import selectors
from accounts.access.management.policy_commands.reading import policy_file
from accounts.access.services import policy_files
from cedrina_base.operator_commands import OperatorCommand

NAME = "export"
HELP = gettext_noop("write the policy to a file; the tests of a file that exists are kept")


def add_arguments(_command: OperatorCommand, parser: ArgumentParser) -> None:
    """Add the arguments of this command."""
    parser.add_argument("--output", type=Path, metavar="FILE", required=True, help=gettext("the file to write"))


def perform(command: OperatorCommand, options: dict[str, Any]) -> dict[str, Any]:
    """Write the file, as a whole or not at all. Raises: PolicyFileInvalid, if the one that is there can't be read."""
    path: Path = options["output"]
    tests = policy_file(command, path).given_tests if path.exists() else ()
    text = policy_files.export(tests=tests)
    if not options["dry_run"]:
        try:
            _write(path, text)
        except (OSError, ValueError):
            command.fail("unwritable", gettext("%(file)s can't be written. Name another file.") % {"file": path})
    return {
        "action": NAME,
        "result": "would_export" if options["dry_run"] else "exported",
        "file": str(path),
        "version": selectors.head().version,
        "tests": len(tests),
    }


def lines(result: dict[str, Any]) -> Iterable[str]:
    """Return the report as text."""
    if result["result"] == "would_export":
        yield gettext("Version %(version)d would be written to %(file)s. Tests that are kept: %(tests)d.") % result
    else:
        yield gettext("Version %(version)d was written to %(file)s. Tests that are kept: %(tests)d.") % result


def _write(path: Path, data: bytes) -> None:
    with NamedTemporaryFile(dir=path.parent, prefix=f".{path.name}.", delete=False) as file:
        try:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
            Path(file.name).replace(path)
        except BaseException:
            Path(file.name).unlink(missing_ok=True)
            raise
