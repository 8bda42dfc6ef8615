"""Validate the parsed environment: contradictions everywhere, unsafe values outside of development.

Each fault is a sentence that names the setting and says how to correct it.
"""

import ipaddress
from collections.abc import Collection, Iterator
from importlib.util import find_spec
from urllib.parse import urlsplit

from cedrina.settings.environment_settings import EnvironmentSettings

MIN_SECRET_LENGTH = 50
MIN_DIFFERENT_CHARACTERS = 10
MIN_BCRYPT_ROUNDS = 10
MAX_ACCESS_TOKEN_SECONDS = 3600
DATABASE_SCHEMES = frozenset({"postgres", "postgresql", "psql", "pgsql"})
MAIL_SCHEMES = frozenset({"smtp", "smtps", "smtp+tls", "smtp+ssl", "filemail", "consolemail", "memorymail"})
REDIS_SCHEMES = frozenset({"redis", "rediss", "unix"})


def contradictions(values: EnvironmentSettings) -> Iterator[str]:
    """Yield the faults of values that contradict each other or are malformed, in any environment."""
    idle, absolute = values.SESSION_IDLE_SECONDS, values.SESSION_ABSOLUTE_SECONDS
    if idle and absolute and idle > absolute:
        yield "SESSION_IDLE_SECONDS is longer than SESSION_ABSOLUTE_SECONDS; lower it or raise the other."
    for name, seconds in (("SESSION_IDLE_SECONDS", idle), ("SESSION_ABSOLUTE_SECONDS", absolute)):
        if seconds and seconds < values.ACCESS_TOKEN_SECONDS:
            yield f"ACCESS_TOKEN_SECONDS is longer than {name}; lower it or raise the other."
    if values.DATABASE_POOL_MIN > values.DATABASE_POOL_MAX:
        yield "DATABASE_POOL_MIN is more than DATABASE_POOL_MAX; lower it or raise the other."
    yield from _refreshes(values)
    yield from _urls(values)
    if values.SENTRY_DSN and find_spec("sentry_sdk") is None:
        yield "SENTRY_DSN needs the package sentry-sdk; install cedrina[errors], or leave the setting out."
    yield from _traces(values)
    for network in values.TRUSTED_PROXIES:
        try:
            ipaddress.ip_network(network, strict=False)
        except ValueError:
            yield f"TRUSTED_PROXIES must list addresses or networks; {network!r} is neither."
    if any("*" in origin for origin in values.CORS_ALLOWED_ORIGINS):
        yield "CORS_ALLOWED_ORIGINS must not contain *; list the origins of your applications."
    elif not all(_is_origin(origin) for origin in values.CORS_ALLOWED_ORIGINS):
        yield "CORS_ALLOWED_ORIGINS must list origins such as https://app.example.com, without a path."


def _traces(values: EnvironmentSettings) -> Iterator[str]:
    if values.traces_endpoint and find_spec("opentelemetry") is None:
        yield "OTEL_EXPORTER_OTLP_ENDPOINT needs the package opentelemetry-sdk; install cedrina[otel], or leave it out."
    for name in ("OTEL_EXPORTER_OTLP_ENDPOINT", "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT"):
        parts = urlsplit(getattr(values, name))
        # The SDK logs the URL, with a key in its query, when the collector can't be reached.
        if parts.netloc and (parts.scheme not in {"http", "https"} or "@" in parts.netloc or parts.query):
            yield (
                f"{name} must be http://… or https://…, without a password or a query: "
                "OTEL_EXPORTER_OTLP_HEADERS is for keys."
            )


def _refreshes(values: EnvironmentSettings) -> Iterator[str]:
    if values.REFRESH_RACE_SECONDS > values.REFRESH_LOST_REPLY_HOURS * 3600:
        yield "REFRESH_RACE_SECONDS is longer than REFRESH_LOST_REPLY_HOURS; a race can't outlast a lost reply."
    if values.REFRESH_FOREIGN_REPEATS > values.REFRESH_OWN_REPEATS:
        yield "REFRESH_FOREIGN_REPEATS is more than REFRESH_OWN_REPEATS, which counts them too; lower it."


def _urls(values: EnvironmentSettings) -> Iterator[str]:
    for name, schemes in (
        ("DATABASE_URL", DATABASE_SCHEMES),
        ("DATABASE_MIGRATION_URL", DATABASE_SCHEMES),
        ("DATABASE_REPLICA_URL", DATABASE_SCHEMES),
        ("REDIS_URL", REDIS_SCHEMES),
        ("EMAIL_URL", MAIL_SCHEMES),
        ("PUBLIC_URL", {"http", "https"}),
        ("APP_URL", {"http", "https"}),
        ("PROBLEM_TYPE_BASE", {"http", "https", "urn", "tag"}),
    ):
        url = getattr(values, name)
        if url and url.partition(":")[0] not in schemes:
            yield f"{name} must begin with one of {', '.join(sorted(schemes))}, followed by a colon."
        elif url and not _is_parsed(url):
            yield (
                f"{name} has no host and port that can be read; write /, @, : and other special characters of a "
                "password as %2F, %40, %3A."
            )
    if values.PUBLIC_URL and _is_parsed(values.PUBLIC_URL) and not host_of(values.PUBLIC_URL):
        yield "PUBLIC_URL must name a host, such as https://accounts.example.com."
    if values.APP_URL and not urlsplit(values.APP_URL).hostname:
        yield "APP_URL must name a host, such as https://app.example.com."


def _is_parsed(url: str) -> bool:
    """Return whether host and port can be read. The errors of what reads them later would quote a part of a secret."""
    try:
        _port = urlsplit(url).port
    except ValueError:
        return False
    return True


def host_of(url: str) -> str | None:
    """Return the host of a URL; ``None`` if it has none or can't be read."""
    return urlsplit(url).hostname if _is_parsed(url) else None


def _is_origin(text: str) -> bool:
    parts = urlsplit(text)
    return (
        parts.scheme in {"http", "https"} and bool(parts.netloc) and not (parts.path or parts.query or parts.fragment)
    )


def unsafe_values(values: EnvironmentSettings, *, given: Collection[str]) -> Iterator[str]:
    """Yield the faults of values that must not be used in staging or production.

    ``given`` are the names that the environment has.
    """
    where = values.CEDRINA_ENV
    for name in ("SECRET_KEY", "FIELD_ENCRYPTION_KEYS", "DATABASE_URL", "ALLOWED_HOSTS", "PUBLIC_URL", "EMAIL_URL"):
        if name not in given:
            yield f"{name} is not set; {where} has no default for it."
    yield from _weak_secrets(values)
    yield from _weak_limits(values)
    if "*" in values.ALLOWED_HOSTS:
        yield "ALLOWED_HOSTS must not contain *; list the names under which this server is addressed."
    yield from _plain_urls(values)
    if values.BCRYPT_ROUNDS < MIN_BCRYPT_ROUNDS:
        yield f"BCRYPT_ROUNDS is below {MIN_BCRYPT_ROUNDS}; use 12."
    if values.ACCESS_TOKEN_SECONDS > MAX_ACCESS_TOKEN_SECONDS:
        yield "ACCESS_TOKEN_SECONDS is over an hour; services that verify offline trust ended sessions for as long."
    if any(network in {"0.0.0.0/0", "::/0"} for network in values.TRUSTED_PROXIES):
        yield "TRUSTED_PROXIES must not hold every address; list the networks of your proxies."
    if "EMAIL_URL" in given and values.EMAIL_URL.startswith(("consolemail", "memorymail")):
        yield "EMAIL_URL must deliver: links to confirm an address would end up in the log. Use smtp://."


def _plain_urls(values: EnvironmentSettings) -> Iterator[str]:
    if values.PUBLIC_URL and not values.PUBLIC_URL.startswith("https://"):
        yield "PUBLIC_URL must begin with https://; tokens must not travel in the clear."
    if values.APP_URL and not values.APP_URL.startswith("https://"):
        yield "APP_URL must begin with https://; a plain page can be replaced on the way."
    if any(not origin.startswith("https://") for origin in values.CORS_ALLOWED_ORIGINS):
        yield "CORS_ALLOWED_ORIGINS must begin with https://; a plain origin can be impersonated on the way."
    if any(url.startswith("http://") for url in values.AUDIT_SINKS):
        yield "AUDIT_SINKS must not begin with http://; use https://."


def _weak_limits(values: EnvironmentSettings) -> Iterator[str]:
    if not values.RATELIMIT_ENABLED:
        yield "RATELIMIT_ENABLED must be true; raise single limits by RATELIMIT_POLICIES instead."
    if values.RATELIMIT_PROFILE == "development":
        yield "RATELIMIT_PROFILE must not be development; it lets a hundred times as many guesses through."


def _weak_secrets(values: EnvironmentSettings) -> Iterator[str]:
    if not values.SECRET_KEY:
        return
    secret = values.SECRET_KEY
    if len(secret) < MIN_SECRET_LENGTH or len(set(secret)) < MIN_DIFFERENT_CHARACTERS:
        yield f"SECRET_KEY is too weak; give it at least {MIN_SECRET_LENGTH} random characters."
    elif secret.startswith(("django-insecure", "development")):
        yield "SECRET_KEY is a development key; make one with `openssl rand -base64 48`."
