"""Connect as the role that owns the tables, for the few commands that change the schema or its rights."""

from collections.abc import Iterator
from contextlib import contextmanager

from django.conf import settings
from django.db import DEFAULT_DB_ALIAS, connections

PLACE = ("HOST", "PORT", "NAME", "USER", "PASSWORD", "OPTIONS")


@contextmanager
def as_owner() -> Iterator[None]:
    """Let the default connection be the one of DATABASE_MIGRATION_URL; without that setting it stays as it is."""
    if settings.MIGRATION_DATABASE is None:
        yield
        return
    connection = connections[DEFAULT_DB_ALIAS]
    serving = {name: connection.settings_dict[name] for name in PLACE}
    connection.close()
    connection.settings_dict.update({name: settings.MIGRATION_DATABASE[name] for name in PLACE})
    try:
        yield
    finally:
        connection.close()
        connection.settings_dict.update(serving)


def serving_role() -> str | None:
    """Return the role of DATABASE_URL where another one migrates, None where one role does all.

    To be asked outside of ``as_owner``.
    """
    migration = settings.MIGRATION_DATABASE
    role: str = settings.DATABASES[DEFAULT_DB_ALIAS]["USER"]
    return role if migration is not None and migration["USER"] != role else None
