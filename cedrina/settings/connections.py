"""Turn the URLs of the environment into what Django wants to know about each store."""

from typing import Any
from urllib.parse import unquote, urlsplit

import environ
from redis.backoff import NoBackoff
from redis.retry import Retry

from accounts.domains import ascii_domain

ENGINE = "cedrina.database"
CONNECT_TIMEOUT_SECONDS = 2  # the least that libpq observes
UNACKNOWLEDGED_MS = 2500
# An idle connection whose other end is gone without a word is found out after half a minute, not at the next request.
KEEPALIVES = {"keepalives_idle": 15, "keepalives_interval": 5, "keepalives_count": 3}
PREPARED_AFTER = 5  # runs of a statement on one connection


def database(url: str | None, *, is_prepared: bool) -> dict[str, Any]:
    """Return the default database.

    Connections are kept for ever and looked at before use, which costs a system call and no statement.
    A server that is gone must be noticed soon: callers get their 503 within three seconds.
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


def cache(url: str | None) -> dict[str, Any]:
    """Return the default cache: Redis, or this process."""
    if not url:
        return {"BACKEND": "django.core.cache.backends.locmem.LocMemCache"}
    # redis-py tries three times more, after pauses: a second would become ten.
    bounded = {"socket_timeout": 1, "socket_connect_timeout": 1, "retry": Retry(NoBackoff(), 0)}
    return {"BACKEND": "django.core.cache.backends.redis.RedisCache", "LOCATION": url, "OPTIONS": bounded}


def channel_layer(url: str | None) -> dict[str, Any]:
    """Return the channel layer: Redis by publish and subscribe, or this process."""
    if not url:
        return {"BACKEND": "channels.layers.InMemoryChannelLayer"}
    return {"BACKEND": "channels_redis.pubsub.RedisPubSubChannelLayer", "CONFIG": {"hosts": [url]}}


def mail(url: str) -> dict[str, Any]:
    """Return the EMAIL_ settings."""
    config = dict(environ.Env.email_url_config(url))
    config.pop("OPTIONS", None)
    if url.startswith("filemail:"):
        config["EMAIL_FILE_PATH"] = unquote(urlsplit(url).path)
    # smtplib would look up another host for some names: it encodes them by IDNA2003.
    host = config.get("EMAIL_HOST")
    config["EMAIL_HOST"] = host if not host or host.isascii() else ascii_domain(host) or host
    config["EMAIL_TIMEOUT"] = 10
    return {name: value for name, value in config.items() if value is not None}
