"""The authentication backend of the admin's sign-in form."""

from typing import Any

from django.contrib.auth.backends import ModelBackend

from accounts.access.services import django_permissions
from accounts.api import device_cookie
from accounts.errors import AttemptsExhausted, HashingBusy
from accounts.models import User
from accounts.services.administration import admin_sign_in
from cedrina_base import database_clock
from tokens.api.client import client_context
from tokens.types import ClientContext


class PooledBackend(ModelBackend):
    """Authenticate staff by username or address and a password. Hashes are computed in the API's pool of threads.

    Only the admin uses Django's sessions; all other users sign in through the API. Permissions of Django follow from
    the policy: its tables of permissions and groups count for nothing.
    """

    def has_perm(self, user_obj: Any, perm: str, obj: Any = None) -> bool:
        del obj
        return django_permissions.has_django_permission(user_obj, perm)

    def has_module_perms(self, user_obj: Any, app_label: str) -> bool:
        return django_permissions.has_app_permission(user_obj, app_label)

    def get_user_permissions(self, user_obj: Any, obj: Any = None) -> set[str]:
        del obj
        return django_permissions.django_permissions_of(user_obj)

    def get_group_permissions(self, user_obj: Any, obj: Any = None) -> set[str]:
        del user_obj, obj
        return set()

    def get_all_permissions(self, user_obj: Any, obj: Any = None) -> set[str]:
        return self.get_user_permissions(user_obj, obj)

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
                now=database_clock.now(),
            )
        except (AttemptsExhausted, HashingBusy) as refusal:
            if request is not None:
                request.sign_in_refusal = refusal  # shown by ``MfaAdminSite.login``
            return None

    def user_can_authenticate(self, user: Any) -> bool:
        return bool(user.is_active) and user.deleted_at is None
