"""Start-up checks of this app's settings."""

import ipaddress
from datetime import timedelta
from typing import Any
from urllib.parse import urlsplit

from django.conf import settings
from django.core.checks import CheckMessage, Error, Tags, Warning, register  # noqa: A004 - Django's name

from accounts.branding import contrast, logo
from accounts.conf import account_settings
from cedrina_base import setting_checks

MIN_ROUNDS = 10  # OWASP Password Storage Cheat Sheet
SHORTEST_RESET_WAIT = timedelta(days=1)
HASHER = "accounts.hashers.BCryptHasher"


@register()
def check_settings(**_kwargs: Any) -> list[CheckMessage]:
    """Refuse unknown names and impossible values."""
    problems = setting_checks.unknown_names(account_settings, check_id="accounts.E001")
    conf = account_settings
    impossible = {
        "EMAIL_CONFIRMATION must be 'required' or 'optional'": conf.EMAIL_CONFIRMATION not in ("required", "optional"),
        "EMAIL_CONFIRMATION_TTL must be positive": timedelta(0) >= conf.EMAIL_CONFIRMATION_TTL,
        "PASSWORD_RESET_TTL must be positive": timedelta(0) >= conf.PASSWORD_RESET_TTL,
        "INVITATION_TTL must be positive": timedelta(0) >= conf.INVITATION_TTL,
        "PASSWORD_MIN_LENGTH must be 8 to 128": not 8 <= conf.PASSWORD_MIN_LENGTH <= 128,
        "PASSWORD_MIN_SCORE must be 0 to 4": not 0 <= conf.PASSWORD_MIN_SCORE <= 4,
        "PASSWORD_HISTORY must not be negative": conf.PASSWORD_HISTORY < 0,
        "BCRYPT_ROUNDS must be 4 to 31": not 4 <= conf.BCRYPT_ROUNDS <= 31,
        "HASHING_THREADS must be at least 1": conf.HASHING_THREADS < 1,
        "HASHING_QUEUE must be at least 1": conf.HASHING_QUEUE < 1,
        "HASHING_WAIT must be positive": timedelta(0) >= conf.HASHING_WAIT,
        "SECOND_FACTOR_RESET_WAIT must be positive": timedelta(0) >= conf.SECOND_FACTOR_RESET_WAIT,
        "BRAND_COLOUR must be a colour as #rrggbb": not contrast.is_colour(conf.BRAND_COLOUR),
        "DELETION_RETENTION must not be negative": timedelta(0) > conf.DELETION_RETENTION,
    }
    problems += [Error(f"ACCOUNTS: {sentence}.", id="accounts.E002") for sentence, is_so in impossible.items() if is_so]
    return problems


@register()
def check_logo(**_kwargs: Any) -> list[CheckMessage]:
    """Refuse a logo that mails and pages can't show."""
    try:
        if account_settings.BRAND_LOGO:
            logo.read(account_settings.BRAND_LOGO)
    except logo.LogoUnusable as error:
        return [Error(f"ACCOUNTS['BRAND_LOGO'] {error}.", id="accounts.E004")]
    return []


@register()
def check_relying_party(**_kwargs: Any) -> list[CheckMessage]:
    """Warn of origins on which browsers refuse keys of this relying party (WebAuthn Level 2, 5.1.3, step 8).

    These are warnings, because everything else works without security keys.
    """
    rp_id = account_settings.WEBAUTHN_RP_ID
    problems: list[CheckMessage] = []
    if not rp_id or rp_id != rp_id.lower() or not _is_domain(rp_id):
        problems.append(
            Warning(
                f"ACCOUNTS['WEBAUTHN_RP_ID'] must be a domain in lower case, without scheme or port: {rp_id!r}.",
                id="accounts.W004",
            )
        )
    problems += [
        Warning(
            f"ACCOUNTS['WEBAUTHN_ORIGINS']: {origin!r} is no origin of {rp_id!r} or of a domain below it, over https.",
            hint="Write it as browsers do: https://app.example.com, the port only where it is not the usual one.",
            id="accounts.W005",
        )
        for origin in account_settings.WEBAUTHN_ORIGINS
        if not _is_origin_of(origin, rp_id)
    ]
    return problems


def _is_domain(text: str) -> bool:
    try:
        ipaddress.ip_address(text)
    except ValueError:
        return urlsplit(f"//{text}").netloc == text and ":" not in text
    return False


def _is_origin_of(origin: str, rp_id: str) -> bool:
    parts = urlsplit(origin)
    host = parts.hostname or ""
    is_secure = parts.scheme == "https" or (parts.scheme == "http" and f".{host}".endswith(".localhost"))
    return is_secure and f"{parts.scheme}://{parts.netloc}" == origin and f".{host}".endswith(f".{rp_id}")


@register()
def check_hashing(**_kwargs: Any) -> list[CheckMessage]:
    """Refuse hooks that can't be imported; warn of a preferred hasher that ignores BCRYPT_ROUNDS."""
    hooks = (("WHILE_HASHING", account_settings.WHILE_HASHING), ("WHILE_WAITING", account_settings.WHILE_WAITING))
    problems = setting_checks.unimportable_paths(account_settings, hooks, check_id="accounts.E003")
    if settings.PASSWORD_HASHERS[0] != HASHER:
        problems.append(
            Warning(f"PASSWORD_HASHERS does not begin with {HASHER}: BCRYPT_ROUNDS has no effect.", id="accounts.W001")
        )
    return problems


@register(Tags.security, deploy=True)
def check_strength(**_kwargs: Any) -> list[CheckMessage]:
    """Report settings that are too weak for production."""
    problems: list[CheckMessage] = []
    if account_settings.BCRYPT_ROUNDS < MIN_ROUNDS:
        problems.append(
            Error(f"ACCOUNTS['BCRYPT_ROUNDS'] is below {MIN_ROUNDS}: hashes are guessed too fast.", id="accounts.E010")
        )
    if account_settings.SECOND_FACTOR_RESET_WAIT < SHORTEST_RESET_WAIT:
        problems.append(
            Warning(
                "ACCOUNTS['SECOND_FACTOR_RESET_WAIT'] is less than a day: people may read the mail about a reset too "
                "late to stop it.",
                id="accounts.W011",
            )
        )
    if account_settings.EMAIL_CONFIRMATION != "required":
        problems.append(
            Warning(
                "ACCOUNTS['EMAIL_CONFIRMATION'] is 'optional': anybody can find out which addresses have an account, "
                "and register with an address of somebody else.",
                id="accounts.W010",
            )
        )
    return problems
