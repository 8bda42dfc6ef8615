"""The option ``--rba FILE`` of commands, and what is wrong with the file in words."""

from argparse import ArgumentParser
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from django.utils.translation import gettext

from cedrina_base.operator_commands import USAGE, LocalizedCommand
from security_events.detection.simulation.rba_file import RbaFileInvalid

INTERRUPTED = 130  # the exit code after Ctrl-C: 128 and the number of SIGINT, as shells have it


def add_rba_argument(parser: ArgumentParser) -> None:
    """Add the option."""
    parser.add_argument(
        "--rba", type=Path, metavar="FILE", help=gettext("a file with the columns of the RBA data set; also .gz, .zip")
    )


@contextmanager
def usable(command: LocalizedCommand, path: Path) -> Iterator[None]:
    """End the command with a sentence if the file can't be read inside of the block."""
    try:
        yield
    except RbaFileInvalid as error:
        sentences = {
            "header": gettext("%(path)s does not begin with the names of the columns of the RBA data set."),
            "archive": gettext("%(path)s is damaged, or no archive with one file .csv in it."),
        }
        command.fail("usage", sentences[error.code] % {"path": path}, exit_code=USAGE)
    except OSError as error:
        sentence = gettext("%(path)s can't be read: %(error)s.") % {"path": path, "error": error.strerror or error}
        command.fail("usage", sentence, exit_code=USAGE)
