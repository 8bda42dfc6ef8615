"""The adapter by which allauth stores the secrets of second factors and names this relying party.

allauth calls ``encrypt`` and ``decrypt`` without naming the owner of the secret. The secret itself is stored in a row
of its owner (``TotpSecret``, ``RecoverySecret``), encrypted under that owner's id, so the owner must be named before:
``secret_of``. allauth's own row holds only the name of the table.
"""

import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any
from uuid import UUID

from allauth.mfa.adapter import DefaultMFAAdapter

from accounts.conf import account_settings
from accounts.models import User, WebAuthnHandle
from accounts.models.factors import FactorSecret

_USER_HANDLE_BYTES = 32
_secret_row: ContextVar[tuple[type[FactorSecret], UUID] | None] = ContextVar("secret_row", default=None)


@contextmanager
def secret_of(model: type[FactorSecret], user_id: UUID) -> Iterator[None]:
    """Name the row that allauth's next ``encrypt`` writes or ``decrypt`` reads."""
    token = _secret_row.set((model, user_id))
    try:
        yield
    finally:
        _secret_row.reset(token)


class MFAAdapter(DefaultMFAAdapter):  # type: ignore[misc]  # allauth has no type hints
    """Keep secrets in our encrypted columns, and take names from the settings instead of the Host header."""

    def encrypt(self, text: str) -> str:
        model, user_id = _named_secret_row()
        model(user_id=user_id, secret=text).save()
        return model._meta.label

    def decrypt(self, encrypted_text: str) -> str:
        model, user_id = _named_secret_row()
        return model._default_manager.get(pk=user_id).secret

    def get_totp_issuer(self) -> str:
        return account_settings.TOTP_ISSUER

    def get_totp_label(self, user: User) -> str:
        return f"{account_settings.TOTP_ISSUER}:{user.username}"

    def get_public_key_credential_rp_entity(self) -> dict[str, str]:
        return {"id": account_settings.WEBAUTHN_RP_ID, "name": account_settings.TOTP_ISSUER}

    def get_public_key_credential_user_entity(self, user: User) -> dict[str, Any]:
        return {"id": user_handle(user.pk), "name": user.username, "display_name": user.full_name or user.username}

    def send_notification_mail(self, *args: Any, **kwargs: Any) -> None:
        """Send nothing. ``accounts.services.mailing`` sends all mail."""


def user_handle(user_id: UUID) -> bytes:
    """Return the random bytes that authenticators store for a user (WebAuthn Level 2, 14.6.1)."""
    row, _is_new = WebAuthnHandle.objects.get_or_create(
        user_id=user_id, defaults={"handle": secrets.token_bytes(_USER_HANDLE_BYTES)}
    )
    return bytes(row.handle)


def _named_secret_row() -> tuple[type[FactorSecret], UUID]:
    row = _secret_row.get()
    if row is None:
        raise RuntimeError("Name the owner with accounts.factors.adapter.secret_of before reading or writing a secret.")
    return row
