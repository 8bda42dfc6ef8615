"""What the commands of this app have in common: a readable table, or with ``--json`` one object on standard output.

Logs go to standard error. Exit codes: 0 done, 1 failed check, 2 usage.
"""

import json
import os
from argparse import ArgumentParser
from collections.abc import Sequence
from typing import Any, NoReturn

from django.conf import settings
from django.core.management.base import BaseCommand, CommandParser
from django.utils import translation
from django.utils.translation import gettext

from ratelimiting.conf import rate_limiting_settings

FAILED, USAGE = 1, 2


class LimitsCommand(BaseCommand):
    """A command whose ``perform`` does the work and returns what to report, in the language of the shell.

    Its ``help`` is marked by ``gettext_noop``, and translated when it is shown.
    """

    def run_from_argv(self, argv: list[str]) -> None:
        with translation.override(_language_of_the_shell()):
            super().run_from_argv(argv)

    def create_parser(self, prog_name: str, subcommand: str, **kwargs: Any) -> CommandParser:
        self.help = gettext(self.help)
        return super().create_parser(prog_name, subcommand, **kwargs)

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--json", action="store_true", help=gettext("print one JSON object"))

    def handle(self, *_args: Any, **options: Any) -> None:
        self.is_json: bool = options["json"]
        result = self.perform(options)
        if self.is_json:
            self.stdout.write(json.dumps(result, default=str))
        else:
            self.show(result)

    def perform(self, options: dict[str, Any]) -> dict[str, Any]:
        """Do the work and return the members of the report."""
        raise NotImplementedError(type(self).__name__)

    def show(self, result: dict[str, Any]) -> None:
        """Say the report in words."""
        raise NotImplementedError(type(self).__name__)

    def require_shared(self) -> None:
        """End where no other process can see what the servers count."""
        if rate_limiting_settings.REDIS_URL is None:
            sentence = gettext(
                "Without Redis each server process counts by itself, and this one sees nothing of it: set REDIS_URL."
            )
            self.fail("not_shared", sentence, exit_code=FAILED)

    def table(self, heads: Sequence[str], rows: Sequence[Sequence[Any]]) -> None:
        """Write columns, each as wide as its widest cell."""
        texts = [[str(cell) for cell in row] for row in (heads, *rows)]
        widths = [max(len(row[column]) for row in texts) for column in range(len(heads))]
        for row in texts:
            self.stdout.write("  ".join(text.ljust(width) for text, width in zip(row, widths, strict=True)).rstrip())

    def fail(self, code: str, sentence: str, *, exit_code: int = FAILED) -> NoReturn:
        """Say what is wrong and what to do about it, and end."""
        if self.is_json:
            self.stdout.write(json.dumps({"error": {"code": code, "detail": sentence}}))
        else:
            self.stderr.write(sentence)
        raise SystemExit(exit_code)


def _language_of_the_shell() -> str:
    locale = next(filter(None, map(os.environ.get, ("LC_ALL", "LC_MESSAGES", "LANG"))), "C")
    try:
        return translation.get_supported_language_variant(locale.partition(".")[0].partition("@")[0].replace("_", "-"))
    except LookupError:
        return str(settings.LANGUAGE_CODE)
