"""The list of all commands, as Django writes it, without loading an app.

Django imports the models of all apps before it looks for their commands. The names of commands are names of files, so
``manage.py --help`` looks for these alone: 0.5 s of CPU instead of 1.0.
"""

import os
from collections import defaultdict
from collections.abc import Iterator, Sequence
from importlib.machinery import PathFinder
from pathlib import Path

from django.conf import settings
from django.core import management
from django.core.exceptions import ImproperlyConfigured
from django.core.management.color import color_style
from django.utils.module_loading import import_string

_REQUESTS: tuple[list[str], ...] = ([], ["help"], ["--help"], ["-h"])


def is_wanted(arguments: Sequence[str]) -> bool:
    """Return whether the arguments of ``manage.py`` ask for the list, which Django can write, too.

    Settings that can't be loaded are left to Django: it writes its own commands and says what is wrong.
    """
    if list(arguments) not in _REQUESTS or "DJANGO_AUTO_COMPLETE" in os.environ:
        return False
    try:
        return bool(settings.INSTALLED_APPS)
    except (ImproperlyConfigured, ImportError):
        return False


def text(*, program: str) -> str:
    """Return the list that ``manage.py --help`` writes, by apps. ``program`` is what people call ``manage.py``."""
    style = color_style()
    lines = [f"\nType '{program} help <subcommand>' for help on a specific subcommand.\n", "Available subcommands:"]
    for app, names in sorted(_commands_by_app().items()):
        lines += ["", style.NOTICE(f"[{app}]"), *(f"    {name}" for name in sorted(names))]
    return "\n".join(lines)


def _commands_by_app() -> dict[str, list[str]]:
    apps = dict.fromkeys(_commands_in(Path(management.__file__).parent), "django")
    for entry in reversed(settings.INSTALLED_APPS):  # of two commands of one name, the first app's counts
        app = _name_of_app(entry)
        for directory in _directories(app):
            apps.update(dict.fromkeys(_commands_in(directory / "management"), app.rpartition(".")[-1]))
    found = defaultdict(list)
    for command, app in apps.items():
        found[app].append(command)
    return found


def _commands_in(directory: Path) -> list[str]:
    return management.find_commands(str(directory))


def _name_of_app(entry: str) -> str:
    """Return the package of an entry of ``INSTALLED_APPS``, which is that package or the path of a class."""
    return entry if any(True for _ in _directories(entry)) else import_string(entry).name


def _directories(package: str) -> Iterator[Path]:
    """Yield the directories of a package. Nothing is imported, not even the packages around it."""
    path: Sequence[str] | None = None
    name = ""
    for part in package.split("."):
        name = f"{name}.{part}" if name else part
        spec = PathFinder.find_spec(name, path)
        path = None if spec is None else spec.submodule_search_locations
        if path is None:
            return
    yield from map(Path, path or ())
