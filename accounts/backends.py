"""The authentication backend of the admin's sign-in form."""

from typing import Any

from django.contrib.auth.backends import ModelBackend
from django.utils import timezone

from accounts.api import device_cookie
from accounts.errors import AttemptsExhausted, HashingBusy
from accounts.models import User
from accounts.services.administration import admin_sign_in
from tokens.api.client import client_context
from tokens.types import ClientContext


class PooledBackend(ModelBackend):
    """Authenticate staff by username or address and a password. Hashes are computed in the API's pool of threads.

    Only the admin uses Django's sessions; all other users sign in through the API.
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
            return admin_sign_in.verify_password(
                name=username,
                password=password,
                client=client_context(request) if request is not None else ClientContext(),
                device_token=device_cookie.read_token(request),
                now=timezone.now(),
            )
        except (AttemptsExhausted, HashingBusy) as refusal:
            if request is not None:
                request.sign_in_refusal = refusal  # shown by ``MfaAdminSite.login``
            return None

    def user_can_authenticate(self, user: Any) -> bool:
        return bool(user.is_active) and user.deleted_at is None
