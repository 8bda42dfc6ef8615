"""Write `docs/openapi.json` from the views."""

from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError
from drf_spectacular.drainage import GENERATOR_STATS
from drf_spectacular.generators import SchemaGenerator
from drf_spectacular.validation import validate_schema

from cedrina.openapi.committed_form import render


class Command(BaseCommand):
    help = "Write docs/openapi.json from the views. With --check, only say whether it is up to date."
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--check", action="store_true", help="change nothing; exit 1 when the file is out of date")

    def handle(self, *_args: Any, **options: Any) -> None:
        document = SchemaGenerator().get_schema(request=None, public=True)  # type: ignore[no-untyped-call]  # it brings no types
        if GENERATOR_STATS:
            GENERATOR_STATS.emit_summary()
            raise CommandError("A view is not described well. Change what the lines above name.")
        validate_schema(document)  # type: ignore[no-untyped-call]  # as above
        text = f"{render(document)}\n"
        file = Path(settings.BASE_DIR) / "docs" / "openapi.json"
        if not options["check"]:
            file.write_text(text, encoding="utf-8")
            self.stdout.write(f"{file.name} written.")
        elif not file.exists() or file.read_text(encoding="utf-8") != text:
            raise CommandError("docs/openapi.json is out of date; run manage.py write_openapi_document.")
