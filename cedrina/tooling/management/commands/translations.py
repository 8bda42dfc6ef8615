"""Keep the catalogues in step with the sentences of the code."""

from argparse import ArgumentParser
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError


class Command(BaseCommand):
    help = (
        "update: bring the catalogues in locale/ up to date with the code and compile them. "
        "check: name what is missing, not translated, fuzzy, obsolete, damaged or not compiled, and exit 1."
    )
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("action", choices=["update", "check"])
        parser.add_argument("--root", type=Path, default=Path(settings.BASE_DIR), help="the project's directory")

    def handle(self, *_args: Any, **options: Any) -> None:
        if find_spec("babel") is None:
            raise CommandError("This is done while developing: install requirements/dev.txt.")
        # Here, since an installation has no Babel: the server reads the compiled catalogues by itself.
        from cedrina.tooling.translations.upkeep import found_faults, update  # noqa: PLC0415

        if options["action"] == "update":
            update(options["root"])
        faults = found_faults(options["root"])
        for fault in faults:
            self.stderr.write(fault)
        if faults and options["action"] == "check":
            raise CommandError("The catalogues are not complete. docs/translating.md says what to do.")
        self.stdout.write(f"{len(faults)} faults left." if faults else "The catalogues are complete.")
