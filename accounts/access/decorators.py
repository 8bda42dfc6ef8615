"""Guard views of Django by a permission."""

from collections.abc import Callable
from typing import Any

from django.contrib.auth.decorators import user_passes_test
from django.core.exceptions import PermissionDenied

from accounts.access.services.decisions import may


def requires(permission: str, *, login_url: str | None = None) -> Callable[[Any], Any]:
    """Let those call a view who have a permission, such as ``documents:publish``.

    Others who have signed in get 403; nobody is sent to sign in first.
    """

    def check(user: Any) -> bool:
        if may(user, permission):
            return True
        if user.is_authenticated:
            raise PermissionDenied
        return False

    return user_passes_test(check, login_url=login_url)
