"""Start-up checks that several apps have in common."""

from collections.abc import Iterable

from django.core.checks import CheckMessage, Error
from django.db import DEFAULT_DB_ALIAS, connections
from django.utils.module_loading import import_string

from cedrina_base.app_settings import AppSettings


def unknown_names(app_settings: AppSettings, *, check_id: str) -> list[CheckMessage]:
    """Return an error for each name that is no setting of the app, such as a misspelt one."""
    return [
        Error(f"{app_settings.SETTING} has no setting {name!r}.", id=check_id) for name in app_settings.unknown_names()
    ]


def unimportable_paths(
    app_settings: AppSettings, paths: Iterable[tuple[str, str | None]], *, check_id: str
) -> list[CheckMessage]:
    """Return an error for each dotted path that can't be imported.

    ``paths`` are pairs of a setting's name and a path; ``None`` stands for a function that is not set.
    """
    found: list[CheckMessage] = []
    for name, path in paths:
        if path is None:
            continue
        try:
            import_string(path)
        except ImportError as error:
            found.append(Error(f"{app_settings.SETTING}[{name!r}]: {error}", id=check_id))
    return found


def other_database(app: str, *, check_id: str) -> list[CheckMessage]:
    """Return an error if the default database is not PostgreSQL, before ``migrate`` fails on it."""
    vendor = connections[DEFAULT_DB_ALIAS].vendor
    if vendor == "postgresql":
        return []
    return [
        Error(
            f"{app} needs PostgreSQL as the default database, which is {vendor} here.",
            hint="Its columns and statements use types of PostgreSQL: set ENGINE to django.db.backends.postgresql.",
            id=check_id,
        )
    ]
