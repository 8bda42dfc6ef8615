"""Write `docs/configuration.md` from the declared settings."""

from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

from cedrina.settings.environment_setting import EnvironmentSetting, SettingType
from cedrina.settings.environment_settings import GROUPS

INTRODUCTION = """# Configuration

Settings come from the environment; `.env` in the project's directory is read first, and the environment wins over it.
Names marked † may also be given as a file: `SECRET_KEY_FILE=/run/secrets/secret_key` reads the value from there.

An unknown `CEDRINA_…` name, a contradiction, or, in staging and production, an unsafe value stops the start with a
sentence that names the setting and says how to mend it.

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
    """Return the whole page."""
    sections = []
    for title, group in GROUPS.items():
        rows = "\n".join(_row(setting) for setting in group)
        sections.append(f"## {title}\n\n| name | type | default | meaning |\n|---|---|---|---|\n{rows}\n")
    return "\n".join([INTRODUCTION, *sections])


def _row(setting: EnvironmentSetting) -> str:
    mark = " †" if setting.is_secret else ""
    cells = (f"`{setting.name}`{mark}", _kind(setting), _default(setting), setting.meaning)
    return "| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |"


def _kind(setting: EnvironmentSetting) -> str:
    if setting.kind is SettingType.CHOICE:
        return ", ".join(f"`{choice}`" for choice in setting.choices)
    text = setting.unit or str(setting.kind)
    if setting.minimum is not None and setting.maximum is not None:
        return f"{text}, {setting.minimum} to {setting.maximum}"
    return f"{text}, at least {setting.minimum}" if setting.minimum is not None else text


def _default(setting: EnvironmentSetting) -> str:
    if setting.default_text:
        return setting.default_text
    if setting.default in (None, ()):
        return "none"
    if isinstance(setting.default, bool):
        return f"`{str(setting.default).lower()}`"
    return f"`{setting.default}`"
