"""Convert the URLs of the environment to Django's settings of databases, caches, channel layers and mail."""

import os
from typing import Any
from urllib.parse import unquote, urlsplit

import environ

from accounts.identifiers.domains import ascii_domain

ENGINE = "cedrina.database"
CONNECT_TIMEOUT_SECONDS = 2  # the minimum of libpq
UNACKNOWLEDGED_MS = 2500
# A dead idle connection is detected after half a minute, not at the next request.
KEEPALIVES = {"keepalives_idle": 15, "keepalives_interval": 5, "keepalives_count": 3}
PREPARED_AFTER = 5  # executions of a statement on one connection
# resolv.conf(5): two questions of a second each. No timeout of a connection counts while its name is looked up, and a
# silent name server would hold each of them for ten seconds.
NAME_LOOKUPS = "timeout:1 attempts:2"


def database(url: str | None, *, is_prepared: bool) -> dict[str, Any]:
    """Return the default database.

    Connections stay open and are checked before use, by a system call and without a statement (database/base.py).
    Callers get a 503 within three seconds when PostgreSQL is gone, so the timeouts are short.

    Statements are prepared after PREPARED_AFTER executions. What that buys is in docs/architecture.md, "Clever parts".
    """
    config = dict(environ.Env.db_url_config(url or "postgres:///cedrina"))
    options = dict(config.get("OPTIONS") or {})
    options.setdefault("connect_timeout", CONNECT_TIMEOUT_SECONDS)
    options.setdefault("tcp_user_timeout", UNACKNOWLEDGED_MS)
    for name, value in KEEPALIVES.items():
        options.setdefault(name, value)
    options.setdefault("application_name", "cedrina")
    options.setdefault("prepare_threshold", PREPARED_AFTER if is_prepared else None)
    config.update(
        ENGINE=ENGINE,
        HOST=unquote(config.get("HOST") or ""),
        CONN_MAX_AGE=None,
        CONN_HEALTH_CHECKS=True,
        ATOMIC_REQUESTS=False,
        OPTIONS=options,
    )
    return config


def limit_name_lookups() -> None:
    """Limit how long this process waits for a name server, unless RES_OPTIONS says it (glibc; others ignore it)."""
    os.environ.setdefault("RES_OPTIONS", NAME_LOOKUPS)


def cache(url: str | None) -> dict[str, Any]:
    """Return the default cache: Redis, or the memory of this process."""
    if not url:
        return {"BACKEND": "django.core.cache.backends.locmem.LocMemCache"}
    timeouts = {"socket_timeout": 1, "socket_connect_timeout": 1}
    return {"BACKEND": "cedrina.database.redis_cache.SingleAttemptRedisCache", "LOCATION": url, "OPTIONS": timeouts}


def channel_layers(url: str | None) -> dict[str, Any]:
    """Return the channel layer of hints (security_events/live/hint_layer.py), by Redis publish/subscribe.

    Without Redis there is none, since hints leave their process. There is no ``default``: our consumers have no channel
    of their own.
    """
    if not url:
        return {}
    hosts = [{"address": url, "socket_timeout": 1, "socket_connect_timeout": 1}]
    return {"security_events": {"BACKEND": "channels_redis.pubsub.RedisPubSubChannelLayer", "CONFIG": {"hosts": hosts}}}


def mail(url: str) -> dict[str, Any]:
    """Return Django's EMAIL_* settings."""
    config = dict(environ.Env.email_url_config(url))
    config.pop("OPTIONS", None)
    if url.startswith("filemail:"):
        config["EMAIL_FILE_PATH"] = unquote(urlsplit(url).path)
    # smtplib would look up another host for some names: it encodes them by IDNA2003.
    host = config.get("EMAIL_HOST")
    config["EMAIL_HOST"] = host if not host or host.isascii() else ascii_domain(host) or host
    config["EMAIL_TIMEOUT"] = 10
    return {name: value for name, value in config.items() if value is not None}
