"""Functions for the hooks of ``RATELIMITING`` that need to know who makes a request."""

from typing import Any

from ratelimiting.types import ANONYMOUS, Caller


def anonymous(_request: Any) -> Caller:
    """For ``CALLER``, the default: the caller is never known, so limits by user and tier don't apply."""
    return ANONYMOUS


def django_user(request: Any) -> Caller:
    """For ``CALLER``: the user of Django's authentication. It costs a query before anything is limited."""
    user = getattr(request, "user", None)
    if user is None or not user.is_authenticated:
        return ANONYMOUS
    return Caller(user=str(user.pk), tier=getattr(user, "tier", None))


def has_django_permission(user: Any, action: str) -> bool:
    """For ``MAY``, the default: staff with Django's permission to view or change policies."""
    if user is None:
        return False
    verb = "view" if action.endswith(":read") else "change"
    return bool(user.is_active and user.is_staff and user.has_perm(f"ratelimiting.{verb}_ratelimitpolicy"))
