"""What access tokens and their checks need to know about a user. Nothing here makes a query.

``settings.TOKENS`` names these functions as its hooks: ``TIER``, ``ROLES``, ``HAS_SECOND_FACTOR``, ``CONFIRMED_EMAIL``.
"""

from typing import Any

from django.utils import timezone

from accounts.access.known_permissions import PERMISSION_MARK
from accounts.rules.subject_facts import roles_at


def tier_of(user: Any) -> str:
    """Return the user's tier."""
    return str(user.tier)


def roles_of(user: Any) -> list[str]:
    """Return the names of the roles that the user has now. They are advice: the server reads its own.

    Permissions are left out: they are roles, too, but say what the server lets somebody do, not who they are.
    """
    return sorted(name for name in roles_at(user, timezone.now()) if PERMISSION_MARK not in name)


def has_second_factor(user: Any) -> bool:
    """Return whether the user has a second factor."""
    return bool(user.is_mfa_enabled)


def confirmed_email_of(user: Any) -> str:
    """Return the user's address, empty while nobody has confirmed that it is theirs."""
    return str(user.email) if user.is_email_confirmed else ""
