"""allauth's questions about second factors, answered by ours.

allauth asks its adapter to encrypt a secret without saying whose it is. So the secret goes into a row of its owner,
who is named beforehand, and allauth's row keeps nothing but the name of the table.
"""

import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any
from uuid import UUID

from allauth.mfa.adapter import DefaultMFAAdapter

from accounts.conf import account_settings
from accounts.models import RecoverySecret, TotpSecret, User, WebAuthnHandle

_HANDLE_BYTES = 32
_place: ContextVar[tuple[type[TotpSecret | RecoverySecret], UUID] | None] = ContextVar("place", default=None)


@contextmanager
def secret_of(model: type[TotpSecret | RecoverySecret], user_id: UUID) -> Iterator[None]:
    """Say whose secret allauth is about to store or to read."""
    token = _place.set((model, user_id))
    try:
        yield
    finally:
        _place.reset(token)


class MFAAdapter(DefaultMFAAdapter):  # type: ignore[misc]  # it brings no types
    """Keeps secrets in our encrypted columns; takes names from the settings, never from a Host header."""

    def encrypt(self, text: str) -> str:
        model, user_id = _placed()
        model(user_id=user_id, secret=text).save()
        return model._meta.label

    def decrypt(self, encrypted_text: str) -> str:
        model, user_id = _placed()
        return model.objects.get(pk=user_id).secret

    def get_totp_issuer(self) -> str:
        return account_settings.TOTP_ISSUER

    def get_totp_label(self, user: User) -> str:
        return f"{account_settings.TOTP_ISSUER}:{user.username}"

    def get_public_key_credential_rp_entity(self) -> dict[str, str]:
        return {"id": account_settings.WEBAUTHN_RP_ID, "name": account_settings.TOTP_ISSUER}

    def get_public_key_credential_user_entity(self, user: User) -> dict[str, Any]:
        return {"id": handle_of(user.pk), "name": user.username, "display_name": user.full_name or user.username}

    def send_notification_mail(self, *args: Any, **kwargs: Any) -> None:
        """Send nothing: what people are told is composed in ``accounts.services.mailing.mail_queue``."""


def handle_of(user_id: UUID) -> bytes:
    """Return what authenticators know somebody by."""
    row, _is_new = WebAuthnHandle.objects.get_or_create(
        user_id=user_id, defaults={"handle": secrets.token_bytes(_HANDLE_BYTES)}
    )
    return bytes(row.handle)


def _placed() -> tuple[type[TotpSecret | RecoverySecret], UUID]:
    place = _place.get()
    if place is None:
        raise RuntimeError("Secrets of second factors are only reached through accounts.factors.")
    return place
