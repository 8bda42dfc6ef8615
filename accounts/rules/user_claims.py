"""What access tokens and their checks need to know about a user. Nothing here makes a query.

``settings.TOKENS`` names these functions as its hooks: ``TIER``, ``ROLES``, ``HAS_SECOND_FACTOR``, ``CONFIRMED_EMAIL``.
"""

from typing import Any

ADMIN_ROLE = "admin"


def tier_of(user: Any) -> str:
    """Return the user's tier."""
    return str(user.tier)


def roles_of(user: Any) -> list[str]:
    """Return the user's roles."""
    return [ADMIN_ROLE] if user.is_superuser else []


def has_second_factor(user: Any) -> bool:
    """Return whether the user has a second factor."""
    return bool(user.is_mfa_enabled)


def confirmed_email_of(user: Any) -> str:
    """Return the user's address, empty while nobody has confirmed that it is theirs."""
    return str(user.email) if user.is_email_confirmed else ""
