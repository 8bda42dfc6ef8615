"""Look whether PostgreSQL and Redis answer, and warn in a sentence when they don't."""

import structlog
from django.conf import settings
from django.db import Error, connection

from cedrina.database.faults import database_fault

REDIS_TIMEOUT_SECONDS = 1
log = structlog.get_logger(__name__)


def warn_of_database() -> bool:
    """Return whether the database answers; otherwise log what to do. Calls that need it are answered 503 meanwhile."""
    try:
        connection.ensure_connection()
    except Error as error:
        log.warning("database_unavailable", mend=database_fault(error) or type(error).__name__)
        return False
    return True


def warn_of_redis() -> bool:
    """Return whether Redis answers, if there is one; otherwise log what to do. Each process counts limits meanwhile."""
    url = settings.RATELIMITING["REDIS_URL"]
    if not url:
        return True
    from redis import Redis  # noqa: PLC0415 - 60 ms, which an installation without Redis need not wait for
    from redis.exceptions import RedisError  # noqa: PLC0415

    try:
        with Redis.from_url(
            url, socket_timeout=REDIS_TIMEOUT_SECONDS, socket_connect_timeout=REDIS_TIMEOUT_SECONDS
        ) as client:
            client.ping()
    except (RedisError, ValueError) as error:
        # Not its message: it may have a part of the URL.
        mend = "Start Redis, or correct REDIS_URL; until then each process counts rate limits by itself."
        log.warning("redis_unavailable", mend=mend, error=type(error).__name__)
        return False
    return True
