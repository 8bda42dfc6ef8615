"""Bases of the management commands for operators.

Options: ``--json`` prints one object on standard output (logs go to standard error), ``--dry-run`` changes nothing,
``--yes`` answers the question that a command asks before it destroys something. Exit codes: 0 done, 1 failed, 2 usage.

Sentences are in the language of the shell that the command was called from. Names, codes and JSON are not translated.
"""

import json
import os
import re
import sys
from argparse import ArgumentParser, RawDescriptionHelpFormatter
from collections.abc import Mapping, Sequence
from textwrap import fill
from typing import Any, ClassVar, NoReturn

from django.conf import settings
from django.core.management.base import BaseCommand, CommandParser, DjangoHelpFormatter
from django.utils import translation
from django.utils.translation import gettext

FAILED = 1
USAGE = 2
HELP_WIDTH = 78
_BAR_WIDTH = 30


class ExampleHelpFormatter(RawDescriptionHelpFormatter, DjangoHelpFormatter):
    """Leaves the lines of description and examples as they are; options stand in Django's order."""


class LocalizedCommand(BaseCommand):
    """A command in the language of the shell's environment, if that is one of the installation's languages.

    Mark its ``help`` with ``gettext_noop``; it is translated when it is shown.
    """

    # What to write behind `manage.py`, as --help shows it.
    examples: ClassVar[tuple[str, ...]] = ()
    is_json = False

    def run_from_argv(self, argv: list[str]) -> None:
        with translation.override(language_of(os.environ)):
            super().run_from_argv(argv)

    def create_parser(self, prog_name: str, subcommand: str, **kwargs: Any) -> CommandParser:
        self.help = fill(gettext(self.help), HELP_WIDTH) if self.help else ""
        options = {"formatter_class": ExampleHelpFormatter, "epilog": self._epilog(subcommand), **kwargs}
        return super().create_parser(prog_name, subcommand, **options)

    def _epilog(self, subcommand: str) -> str:
        """Return what stands below the options: examples, and the exit codes of all commands."""
        codes = fill(gettext("Exit codes: 0 done, 1 failed or something was found, 2 wrong usage."), HELP_WIDTH)
        shown = [f"  manage.py {example}" for example in self.examples]
        return "\n".join([gettext("Examples:"), *shown, "", codes] if shown else [codes])

    def fail(self, code: str, sentence: str, *, exit_code: int = FAILED) -> NoReturn:
        """Write what is wrong and what to do about it, and exit."""
        if self.is_json:
            self.stdout.write(json.dumps({"error": {"code": code, "detail": sentence}}))
        else:
            self.stderr.write(sentence)
        raise SystemExit(exit_code)


class ReportingCommand(LocalizedCommand):
    """A command whose ``perform`` does the work and returns a report, written as text or as JSON."""

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--json", action="store_true", help=gettext("print one JSON object"))

    def handle(self, *_args: Any, **options: Any) -> None:
        self.is_json = options["json"]
        result = self.perform(options)
        if self.is_json:
            self.stdout.write(json.dumps(result, default=str))
        else:
            self.show(result)

    def perform(self, options: dict[str, Any]) -> dict[str, Any]:
        """Do the work and return the members of the report."""
        raise NotImplementedError(type(self).__name__)

    def show(self, result: dict[str, Any]) -> None:
        """Write the report as text."""
        self.stdout.write(self.sentence(result))

    def sentence(self, result: dict[str, Any]) -> str:
        """Return the report as text, for a command that doesn't write it itself with ``show``."""
        raise NotImplementedError(type(self).__name__)

    def table(self, heads: Sequence[str], rows: Sequence[Sequence[Any]]) -> None:
        """Write columns, each as wide as its widest cell."""
        texts = [[str(cell) for cell in row] for row in (heads, *rows)]
        widths = [max(len(row[column]) for row in texts) for column in range(len(heads))]
        for row in texts:
            self.stdout.write("  ".join(text.ljust(width) for text, width in zip(row, widths, strict=True)).rstrip())

    def show_progress(self, sentence: str) -> None:
        """Replace the current line of standard error by a sentence, if it is a terminal."""
        if not self.is_json and sys.stderr.isatty():
            sys.stderr.write(f"\r{sentence}")
            sys.stderr.flush()

    def show_share(self, share: float) -> None:
        """Replace the current line by a bar that shows a share, from 0 to 1."""
        filled = int(_BAR_WIDTH * max(0.0, min(1.0, share)))
        self.show_progress(f"[{'#' * filled}{'.' * (_BAR_WIDTH - filled)}] {share:4.0%}")


class OperatorCommand(ReportingCommand):
    """A reporting command that changes something. With ``--dry-run``, ``perform`` returns what it would change."""

    destroys: ClassVar[bool] = False

    def add_arguments(self, parser: ArgumentParser) -> None:
        super().add_arguments(parser)
        parser.add_argument("--dry-run", action="store_true", help=gettext("only say what would be done"))
        if self.destroys:
            parser.add_argument("--yes", action="store_true", help=gettext("don't ask before destroying"))

    def add_reason_argument(self, parser: ArgumentParser) -> None:
        """Add ``--reason``, which the security event of the command records."""
        parser.add_argument("--reason", default="", help=gettext("why, for the audit trail"))

    def confirm(self, question: str, options: dict[str, Any]) -> None:
        """Ask before something is destroyed, unless ``--yes`` or ``--dry-run`` was given."""
        if options["yes"] or options["dry_run"]:
            return
        if not sys.stdin.isatty():
            sentence = gettext("This destroys something: give --yes, or --dry-run to see what.")
            self.fail("usage", sentence, exit_code=USAGE)
        self.stderr.write(f"{question} [y/N] ", ending="")
        if input().strip().lower() not in ("y", "yes"):
            self.fail("not_confirmed", gettext("Nothing was changed."))

    def progress(self, done: int, total: int) -> None:
        """Draw a progress bar on standard error if it is a terminal."""
        if self.is_json or not sys.stderr.isatty() or not total:
            return
        filled = min(_BAR_WIDTH, _BAR_WIDTH * done // total)
        bar = "#" * filled + "." * (_BAR_WIDTH - filled)
        sys.stderr.write(f"\r[{bar}] {done}/{total}" + ("\n" if done >= total else ""))
        sys.stderr.flush()


def language_of(environ: Mapping[str, str]) -> str:
    """Return the first supported language that the environment asks for, in gettext's order.

    Without one, return the installation's ``LANGUAGE_CODE``.
    """
    locale = next(filter(None, map(environ.get, ("LC_ALL", "LC_MESSAGES", "LANG"))), "C")
    # gettext ignores LANGUAGE where no locale is set.
    wanted = [] if locale in ("C", "POSIX") else [*environ.get("LANGUAGE", "").split(":"), locale]
    for name in wanted:
        try:
            return translation.get_supported_language_variant(re.split(r"[.@]", name)[0].replace("_", "-"))
        except LookupError:
            continue
    return str(settings.LANGUAGE_CODE)
