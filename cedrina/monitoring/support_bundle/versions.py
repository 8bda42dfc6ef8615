"""Which versions run: of Cedrina, Python, libraries, PostgreSQL, Redis, and of the schema."""

import platform
import sys
from importlib import metadata
from typing import Any

from django.conf import settings
from django.db import connection
from django.db.migrations.recorder import MigrationRecorder

from cedrina.version import VERSION

_NEWEST = """
SELECT app, max(name), count(*) FROM django_migrations GROUP BY app ORDER BY app
"""


def versions() -> dict[str, Any]:
    """Return all versions. PostgreSQL's is asked for, Redis' if there is one that answers."""
    return {
        "cedrina": VERSION,
        "python": sys.version.split()[0],
        "system": f"{platform.system()} {platform.release()} {platform.machine()}",
        "postgresql": _postgresql(),
        "redis": _redis(),
        "migrations": _migrations(),
        "packages": {each.metadata["Name"]: each.version for each in metadata.distributions()},
    }


def _postgresql() -> str:
    with connection.cursor() as cursor:
        cursor.execute("SHOW server_version")
        return str(cursor.fetchone()[0])


def _redis() -> str | None:
    url = settings.RATELIMITING["REDIS_URL"]
    if not url:
        return None
    from redis import Redis  # noqa: PLC0415 - 60 ms, which an installation without Redis need not wait for
    from redis.exceptions import RedisError  # noqa: PLC0415

    try:
        with Redis.from_url(url, socket_timeout=1, socket_connect_timeout=1) as client:
            return str(client.info("server")["redis_version"])
    except RedisError as error:
        return f"does not answer ({type(error).__name__})"


def _migrations() -> dict[str, dict[str, Any]]:
    if not MigrationRecorder(connection).has_table():
        return {}
    with connection.cursor() as cursor:
        cursor.execute(_NEWEST)
        return {app: {"newest": newest, "applied": count} for app, newest, count in cursor.fetchall()}
