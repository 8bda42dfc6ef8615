"""Sign-in by Django's own means: the admin's form."""

from typing import Any

from django.contrib.auth.backends import ModelBackend

from accounts.errors import HashingBusy
from accounts.models import User
from accounts.services import operators


class PooledBackend(ModelBackend):
    """Let staff in, by name or address, with hashes computed in the same pool of threads as the API's.

    There are no other sessions of this kind: everybody else signs in through the API.
    """

    def authenticate(
        self,
        request: Any,  # noqa: ARG002 - Django's signature
        username: str | None = None,
        password: str | None = None,
        **_credentials: Any,
    ) -> User | None:
        if not username or password is None:
            return None
        try:
            return operators.sign_in(name=username, password=password)
        except HashingBusy:
            # The form has no other word than "try again" either way.
            return None

    def user_can_authenticate(self, user: Any) -> bool:
        return bool(user.is_active) and user.deleted_at is None
