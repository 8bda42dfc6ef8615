"""Start-up checks that the settings of each app have in common."""

from collections.abc import Iterable

from django.core.checks import CheckMessage, Error
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
