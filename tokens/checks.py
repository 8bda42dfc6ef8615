"""Start-up checks."""

from collections.abc import Iterator, Sequence
from datetime import timedelta
from typing import Any

from django.conf import settings
from django.contrib.auth import get_user_model
from django.core.checks import CheckMessage, Error, Tags, register
from django.core.checks import Warning as Advice
from django.db import DEFAULT_DB_ALIAS, DatabaseError, connections, transaction
from django.urls import URLPattern, URLResolver, get_resolver

from cedrina_base import setting_checks
from tokens.conf import EVICT_OLDEST, REJECT, token_settings
from tokens.models import SigningKey
from tokens.signing_algorithm_names import SIGNING_ALGORITHM_NAMES

_KEY_LENGTH = 32
_LONG_ACCESS_TTL = timedelta(hours=1)
# Processes read the keys once a minute, and every process must know a key before it signs.
_SHORTEST_PROPAGATION = timedelta(minutes=2)


@register()
def check_settings(**_kwargs: Any) -> list[CheckMessage]:
    """Report unknown settings, contradictions and impossible values."""
    found = setting_checks.unknown_names(token_settings, check_id="tokens.E001")
    rules = (
        (
            token_settings.SESSION_IDLE_TTL <= token_settings.SESSION_ABSOLUTE_TTL,
            "SESSION_IDLE_TTL is longer than SESSION_ABSOLUTE_TTL, so it would never apply.",
            "E002",
        ),
        (
            timedelta(seconds=30) <= token_settings.ACCESS_TTL < token_settings.SESSION_IDLE_TTL,
            "ACCESS_TTL must be at least 30 seconds and shorter than SESSION_IDLE_TTL.",
            "E003",
        ),
        (
            token_settings.REFRESH_RACE_TTL <= token_settings.REFRESH_LOST_REPLY_TTL,
            "REFRESH_RACE_TTL is longer than REFRESH_LOST_REPLY_TTL.",
            "E004",
        ),
        (token_settings.MAX_SESSIONS_PER_USER >= 1, "MAX_SESSIONS_PER_USER must be at least 1.", "E005"),
        (
            token_settings.SESSION_OVERFLOW in (EVICT_OLDEST, REJECT),
            f"SESSION_OVERFLOW must be {EVICT_OLDEST!r} or {REJECT!r}.",
            "E006",
        ),
        (
            all(len(key) == _KEY_LENGTH and ":" not in name for name, key in token_settings.FIELD_ENCRYPTION_KEYS),
            "Every key of FIELD_ENCRYPTION_KEYS must be 32 bytes and its id free of colons.",
            "E007",
        ),
        (
            1 <= token_settings.REFRESH_KEY_EPOCH <= 255,
            "REFRESH_KEY_EPOCH must be from 1 to 255.",
            "E008",
        ),
        (
            token_settings.JWKS_PROPAGATION_TTL >= _SHORTEST_PROPAGATION,
            "JWKS_PROPAGATION_TTL must be at least 2 minutes, or workers would meet a key that they don't know.",
            "E009",
        ),
        (
            0 <= token_settings.REFRESH_FOREIGN_REPEATS <= token_settings.REFRESH_OWN_REPEATS <= 1000,
            "REFRESH_FOREIGN_REPEATS must be at least 0 and at most REFRESH_OWN_REPEATS, that at most 1000.",
            "E012",
        ),
        (
            token_settings.ACCESS_TOKEN_ALGORITHM in SIGNING_ALGORITHM_NAMES,
            f"ACCESS_TOKEN_ALGORITHM must be one of {', '.join(SIGNING_ALGORITHM_NAMES)}.",
            "E015",
        ),
    )
    found += [Error(f"TOKENS: {text}", id=f"tokens.{number}") for holds, text, number in rules if not holds]
    return found


@register()
def check_database(**_kwargs: Any) -> list[CheckMessage]:
    """Report a database other than PostgreSQL: columns and statements use its types."""
    return setting_checks.other_database("tokens", check_id="tokens.E013")


@register(Tags.database)
def check_signing_key(*, databases: Sequence[str] | None = None, **_kwargs: Any) -> list[CheckMessage]:
    """Report that tokens are still signed with a key of another algorithm than the setting's."""
    connection = connections[DEFAULT_DB_ALIAS]
    if DEFAULT_DB_ALIAS not in (databases or ()) or connection.vendor != "postgresql":
        return []
    going_on = SigningKey.objects.filter(retired_at__isnull=True, signs_access_tokens=True).order_by("-activated_at")
    try:
        with transaction.atomic():  # a savepoint where the caller has begun a transaction
            newest = going_on.values_list("algorithm", flat=True).first()
    except DatabaseError:
        return []  # `migrate` has yet to make the table or a column, or the command that needs the database says why
    if newest in (None, token_settings.ACCESS_TOKEN_ALGORITHM):
        return []
    return [
        Advice(
            f"TOKENS['ACCESS_TOKEN_ALGORITHM'] is {token_settings.ACCESS_TOKEN_ALGORITHM}, but the newest signing key "
            f"is for {newest}: access tokens are still signed with that.",
            hint="Let all services that verify tokens accept both, then run `manage.py rotate_signing_key`.",
            id="tokens.W002",
        )
    ]


@register()
def check_active_user(**_kwargs: Any) -> list[CheckMessage]:
    """Report fields of ``ACTIVE_USER`` that the user model lacks, and values that they can't be compared with."""
    names = {field.name for field in get_user_model()._meta.concrete_fields}
    return [
        Error(
            f"TOKENS['ACTIVE_USER'] can't be {{{name!r}: {value!r}}}.",
            hint="It takes fields of the user model, each with True, False or None.",
            id="tokens.E014",
        )
        for name, value in token_settings.ACTIVE_USER.items()
        if name not in names or not (value is None or isinstance(value, bool))
    ]


@register(Tags.security, deploy=True)
def check_deployment(**_kwargs: Any) -> list[CheckMessage]:
    """Report settings that work but are unsafe in production."""
    found: list[CheckMessage] = []
    if not token_settings.given().get("FIELD_ENCRYPTION_KEYS"):
        found.append(
            Error("TOKENS['FIELD_ENCRYPTION_KEYS'] is empty: encrypted columns hang on SECRET_KEY.", id="tokens.E010")
        )
    if token_settings.ACCESS_TTL > _LONG_ACCESS_TTL:
        found.append(
            Advice(
                "TOKENS['ACCESS_TTL'] is over an hour: services that verify offline accept a stolen token as long.",
                id="tokens.W001",
            )
        )
    if not token_settings.ISSUER.startswith("https://"):
        found.append(Error("TOKENS['ISSUER'] must be an https address (RFC 8414, 2).", id="tokens.E011"))
    return found


@register(Tags.urls)
def check_step_up(**_kwargs: Any) -> list[CheckMessage]:
    """Report views that change something for an authenticated user and do not declare their ``step_up``."""
    if not getattr(settings, "ROOT_URLCONF", None):
        return []
    return [
        Error(
            f"{method.upper()} /{route} does not declare its step-up.",
            hint=f'Give the view step_up = {{"{method}": requires(...)}} or no_step_up("why").',
            id="tokens.E020",
        )
        for route, method in sorted(set(_undeclared(get_resolver().url_patterns, "")))
    ]


def _undeclared(patterns: list[URLPattern | URLResolver], prefix: str) -> Iterator[tuple[str, str]]:
    # Here, because DRF's views can only be imported after the models.
    from rest_framework.permissions import AllowAny  # noqa: PLC0415

    from tokens.api.base import TokensAPIView  # noqa: PLC0415

    for pattern in patterns:
        route = prefix + str(pattern.pattern)
        if isinstance(pattern, URLResolver):
            yield from _undeclared(pattern.url_patterns, route)
            continue
        view: Any = getattr(pattern.callback, "cls", None)
        if view is None or not issubclass(view, TokensAPIView) or AllowAny in view.permission_classes:
            continue
        yield from ((route, verb) for verb in _CHANGING if hasattr(view, verb) and verb not in view.step_up)


_CHANGING = ("post", "put", "patch", "delete")
