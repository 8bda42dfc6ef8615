"""What all commands for operators have in common.

``--json`` prints one object on standard output (logs go to standard error), ``--dry-run`` changes nothing, ``--yes``
answers the question that a command asks before it destroys. Exit codes: 0 done, 1 failed, 2 usage.

Sentences are in the language of the shell that the command was called from; names, codes and answers are not.
"""

import json
import os
import re
import sys
from argparse import ArgumentParser
from collections.abc import Mapping
from typing import Any, ClassVar, NoReturn

from django.conf import settings
from django.core.management.base import BaseCommand, CommandParser
from django.utils import translation
from django.utils.translation import gettext

FAILED = 1
USAGE = 2
_BAR_WIDTH = 30


class LocalizedCommand(BaseCommand):
    """A command that speaks the language of the environment it was called from, where that is one of ours.

    Its ``help`` is marked by ``gettext_noop``, and translated when it is shown.
    """

    def run_from_argv(self, argv: list[str]) -> None:
        with translation.override(language_of(os.environ)):
            super().run_from_argv(argv)

    def create_parser(self, prog_name: str, subcommand: str, **kwargs: Any) -> CommandParser:
        self.help = gettext(self.help) if self.help else ""
        return super().create_parser(prog_name, subcommand, **kwargs)


def language_of(environ: Mapping[str, str]) -> str:
    """Return the first language of ours that the environment asks for, as gettext does, else the installation's."""
    locale = next(filter(None, map(environ.get, ("LC_ALL", "LC_MESSAGES", "LANG"))), "C")
    # Where no locale is set, LANGUAGE means nothing.
    wanted = [] if locale in ("C", "POSIX") else [*environ.get("LANGUAGE", "").split(":"), locale]
    for name in wanted:
        try:
            return translation.get_supported_language_variant(re.split(r"[.@]", name)[0].replace("_", "-"))
        except LookupError:
            continue
    return str(settings.LANGUAGE_CODE)


class OperatorCommand(LocalizedCommand):
    """A command whose ``perform`` does the work and returns what to report."""

    destroys: ClassVar[bool] = False

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--json", action="store_true", help=gettext("print one JSON object"))
        parser.add_argument("--dry-run", action="store_true", help=gettext("only say what would be done"))
        if self.destroys:
            parser.add_argument("--yes", action="store_true", help=gettext("don't ask before destroying"))

    def handle(self, *_args: Any, **options: Any) -> None:
        self.is_json: bool = options["json"]
        result = self.perform(options)
        if self.is_json:
            self.stdout.write(json.dumps(result, default=str))
        else:
            self.stdout.write(self.sentence(result))

    def perform(self, options: dict[str, Any]) -> dict[str, Any]:
        """Do the work, or with ``dry_run`` find out what it would be, and return the members of the report."""
        raise NotImplementedError(type(self).__name__)

    def sentence(self, result: dict[str, Any]) -> str:
        """Say the report in words."""
        raise NotImplementedError(type(self).__name__)

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

    def fail(self, code: str, sentence: str, *, exit_code: int = FAILED) -> NoReturn:
        """Say what is wrong and what to do about it, and end."""
        if self.is_json:
            self.stdout.write(json.dumps({"error": {"code": code, "detail": sentence}}))
        else:
            self.stderr.write(sentence)
        raise SystemExit(exit_code)

    def progress(self, done: int, total: int) -> None:
        """Draw a bar on standard error where a person looks at it."""
        if self.is_json or not sys.stderr.isatty() or not total:
            return
        filled = min(_BAR_WIDTH, _BAR_WIDTH * done // total)
        bar = "#" * filled + "." * (_BAR_WIDTH - filled)
        sys.stderr.write(f"\r[{bar}] {done}/{total}" + ("\n" if done >= total else ""))
        sys.stderr.flush()
