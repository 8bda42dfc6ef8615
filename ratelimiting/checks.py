"""Checks of the settings, run by ``manage.py check`` and at start."""

import ipaddress
import re
from collections.abc import Collection, Iterator
from typing import Any

from django.core.checks import CheckMessage, Error, Tags, register
from django.core.checks import Warning as CheckWarning
from django.db import DEFAULT_DB_ALIAS, DatabaseError, transaction

from cedrina_base import setting_checks
from ratelimiting.conf import PROXY_HEADERS, rate_limiting_settings
from ratelimiting.errors import PolicyInvalid

# A cluster computes a key's slot from the text between the first brace and the next closing one (Redis Cluster spec).
HASH_TAG = re.compile(r"^[^{]*\{[^}]+\}")


@register()
def check_settings(**_kwargs: Any) -> list[CheckMessage]:
    """Refuse unknown settings, invalid networks, and numbers that must be positive."""
    problems = setting_checks.unknown_names(rate_limiting_settings, check_id="ratelimiting.E001")
    for network in rate_limiting_settings.TRUSTED_PROXIES:
        try:
            ipaddress.ip_network(network, strict=False)
        except ValueError:
            problems.append(
                Error(f"RATELIMITING['TRUSTED_PROXIES']: {network!r} is no network.", id="ratelimiting.E002")
            )
    problems += [
        Error(f"RATELIMITING[{name!r}] has to be greater than 0.", id="ratelimiting.E003")
        for name in ("STORE_DEADLINE", "STORE_FAILURES", "STORE_PAUSE", "LOCAL_STORE_KEYS")
        if getattr(rate_limiting_settings, name) <= 0
    ]
    if not HASH_TAG.search(rate_limiting_settings.STORE_PREFIX):
        problems.append(
            Error("RATELIMITING['STORE_PREFIX'] needs a hash tag, such as '{rl}:'.", id="ratelimiting.E004")
        )
    if rate_limiting_settings.TRUSTED_PROXY_HEADER not in PROXY_HEADERS:
        problems.append(
            Error(
                f"RATELIMITING['TRUSTED_PROXY_HEADER'] must be one of {', '.join(PROXY_HEADERS)}.",
                id="ratelimiting.E007",
            )
        )
    return problems


@register()
def check_policies(**_kwargs: Any) -> list[CheckMessage]:
    """Refuse invalid policies, each fault with what is allowed, and dotted paths that can't be imported."""
    # Imported here, because services import models, which are not loaded yet when this module is imported.
    from ratelimiting.known_names import known_names  # noqa: PLC0415
    from ratelimiting.services import active_policies  # noqa: PLC0415

    found = setting_checks.unimportable_paths(rate_limiting_settings, _paths(), check_id="ratelimiting.E006")
    try:
        active_policies.from_settings(known=known_names())
    except PolicyInvalid as error:
        found += [Error(str(fault), id="ratelimiting.E005") for fault in error.faults]
    return found


@register(Tags.database)
def check_stored_policies(*, databases: Collection[str] | None = None, **_kwargs: Any) -> list[CheckMessage]:
    """Warn of stored policies that name routes, tiers or policies which no longer exist, as after an upgrade."""
    # As above.
    from ratelimiting.services import active_policies  # noqa: PLC0415

    if DEFAULT_DB_ALIAS not in (databases or ()):
        return []
    try:
        with transaction.atomic():  # a savepoint where the caller has begun a transaction
            active_policies.refresh()
        return [
            CheckWarning(
                str(fault),
                hint="Change or delete the policy: it limits no request by that name.",
                id="ratelimiting.W001",
            )
            for fault in active_policies.outdated_names()
        ]
    except (DatabaseError, PolicyInvalid):
        return []  # the tables are not there yet, or another check names the fault


def _paths() -> Iterator[tuple[str, str | None]]:
    given = rate_limiting_settings.given()
    yield from ((name, given[name]) for name in ("CALLER", "REFUSAL", "MAY", "API_PERMISSIONS") if name in given)
    yield from (("KEYS", path) for path in given.get("KEYS", {}).values())
