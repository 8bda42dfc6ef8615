"""Write `docs/configuration.md` from the declared settings."""

import ast
import inspect
from argparse import ArgumentParser
from itertools import pairwise
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

from cedrina.settings.environment import SECRETS
from cedrina.settings.environment_settings import SECTIONS
from cedrina.settings.setting_types import Section

INTRODUCTION = """# Configuration

Settings come from the environment; `.env` in the project's directory is read first, and the environment wins over it.
Names marked † may also be given as a file: `SECRET_KEY_FILE=/run/secrets/secret_key` reads the value from there.

An unknown `CEDRINA_…` name, a contradiction, or, in staging and production, an unsafe value stops the start with a
sentence that names the setting and says how to mend it. So does a line of `.env` that is neither `NAME=value` nor a
comment, or whose name is no setting. Names that docker-compose.yml and some other programs read may stand there, too
(`COMPOSE_…`, `DOCKER_…`, `POSTGRES_…`, `PG…`, `…_PROXY`, `TZ` and a few more: `cedrina/settings/dotenv.py`); give other
programs a file of their own.

This page is written by `manage.py write_configuration_doc`.
"""


class Command(BaseCommand):
    help = "Write docs/configuration.md from the declared settings. With --check, only say whether it is up to date."
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--check", action="store_true", help="change nothing; exit 1 when the page is out of date")

    def handle(self, *_args: Any, **options: Any) -> None:
        page = Path(settings.BASE_DIR) / "docs" / "configuration.md"
        text = render()
        current = page.read_text(encoding="utf-8") if page.exists() else ""
        if options["check"]:
            if current != text:
                raise CommandError("docs/configuration.md is out of date; run manage.py write_configuration_doc.")
            return
        page.write_text(text, encoding="utf-8")
        self.stdout.write(f"{page.name} written.")


def render() -> str:
    """Return the whole page, from the JSON Schema of each section."""
    sections = []
    for section in SECTIONS:
        schema, meanings = section.model_json_schema(), meanings_of(section)
        rows = "\n".join(_row(name, each, meanings[name]) for name, each in schema["properties"].items())
        sections.append(f"## {schema['title']}\n\n| name | type | default | meaning |\n|---|---|---|---|\n{rows}\n")
    return "\n".join([INTRODUCTION, *sections])


def meanings_of(section: type[Section]) -> dict[str, str]:
    """Return the docstring of each setting.

    pydantic's ``use_attribute_docstrings`` would do the same whenever a process starts, which takes it 10 ms.
    """
    source = ast.parse(inspect.getsource(section)).body[0]
    return {
        ast.unparse(field.target): " ".join(ast.literal_eval(documentation.value).split())
        for field, documentation in pairwise(ast.iter_child_nodes(source))
        if isinstance(field, ast.AnnAssign) and isinstance(documentation, ast.Expr)
    }


def _row(name: str, schema: dict[str, Any], meaning: str) -> str:
    cells = (f"`{name}`{' †' if name in SECRETS else ''}", _type(schema), _default(schema), meaning)
    return "| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |"


def _type(schema: dict[str, Any]) -> str:
    flat = {**schema, **next(iter(schema.get("anyOf", [{}])))}  # the other of two is null
    if "enum" in flat:
        return ", ".join(f"`{choice}`" for choice in flat["enum"])
    if "minimum" in flat and "maximum" in flat:
        return f"{flat['title']}, {flat['minimum']} to {flat['maximum']}"
    return f"{flat['title']}, at least {flat['minimum']}" if "minimum" in flat else str(flat["title"])


def _default(schema: dict[str, Any]) -> str:
    if "x-default" in schema:
        return str(schema["x-default"])
    default = schema["default"]
    if default in (None, []):
        return "none"
    if isinstance(default, bool):
        return f"`{str(default).lower()}`"
    return f"`{default}`"
