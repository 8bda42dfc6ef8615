"""Connect as the role that owns the tables, for the commands that change the schema or its privileges."""

from collections.abc import Iterator
from contextlib import contextmanager

from django.conf import settings
from django.db import DEFAULT_DB_ALIAS, connections

CONNECTION_KEYS = ("HOST", "PORT", "NAME", "USER", "PASSWORD", "OPTIONS")


@contextmanager
def as_table_owner() -> Iterator[None]:
    """Let the default connection be that of DATABASE_MIGRATION_URL. Without that setting nothing changes."""
    if settings.MIGRATION_DATABASE is None:
        yield
        return
    connection = connections[DEFAULT_DB_ALIAS]
    serving = {name: connection.settings_dict[name] for name in CONNECTION_KEYS}
    connection.close()
    connection.settings_dict.update({name: settings.MIGRATION_DATABASE[name] for name in CONNECTION_KEYS})
    try:
        yield
    finally:
        connection.close()
        connection.settings_dict.update(serving)


def serving_role() -> str | None:
    """Return the role of DATABASE_URL when DATABASE_MIGRATION_URL names another role, otherwise ``None``.

    Call it outside of ``as_table_owner``.
    """
    migration = settings.MIGRATION_DATABASE
    role: str = settings.DATABASES[DEFAULT_DB_ALIAS]["USER"]
    return role if migration is not None and migration["USER"] != role else None
