"""Sign-in by Django's own means: the admin's form."""

from typing import Any

from django.contrib.auth.backends import ModelBackend

from accounts.api import device_cookie
from accounts.errors import AttemptsExhausted, HashingBusy
from accounts.models import User
from accounts.services.administration import admin_sign_in
from tokens.api.client import client_context
from tokens.types import ClientContext


class PooledBackend(ModelBackend):
    """Let staff in, by name or address, with hashes computed in the same pool of threads as the API's.

    There are no other sessions of this kind: everybody else signs in through the API.
    """

    def authenticate(
        self,
        request: Any,
        username: str | None = None,
        password: str | None = None,
        **_credentials: Any,
    ) -> User | None:
        if not username or password is None:
            return None
        try:
            return admin_sign_in.sign_in(
                name=username,
                password=password,
                client=client_context(request) if request is not None else ClientContext(),
                device_token=device_cookie.presented(request),
            )
        except (AttemptsExhausted, HashingBusy) as refusal:
            if request is not None:
                request.sign_in_refusal = refusal  # the admin's page says so
            return None

    def user_can_authenticate(self, user: Any) -> bool:
        return bool(user.is_active) and user.deleted_at is None
