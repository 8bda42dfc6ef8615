"""Who makes a request, as far as limits depend on it. Each is named by ``RATELIMITING["CALLER"]``."""

from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Caller:
    """Somebody's key and tier; None for somebody unknown."""

    user: str | None = None
    tier: str | None = None


@dataclass(frozen=True, slots=True)
class Author:
    """Who changes policies, as the history and the events name them."""

    id: str = ""
    name: str = ""


ANONYMOUS = Caller()


def anonymous(_request: Any) -> Caller:
    """Know nobody: limits go by address alone."""
    return ANONYMOUS


def django_user(request: Any) -> Caller:
    """Ask Django's authentication, which costs its query before anything is limited."""
    user = getattr(request, "user", None)
    if user is None or not user.is_authenticated:
        return ANONYMOUS
    return Caller(user=str(user.pk), tier=getattr(user, "tier", None))


def has_django_permission(user: Any, action: str) -> bool:
    """Let those read or change policies who have Django's permission for it."""
    verb = "view" if action.endswith(":read") else "change"
    return bool(user.is_active and user.is_staff and user.has_perm(f"ratelimiting.{verb}_ratelimitpolicy"))
