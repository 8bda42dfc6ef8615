"""Factors that let somebody in by themselves, and what becomes of factors when an account changes hands."""

from uuid import UUID

from allauth.mfa.models import Authenticator


def has_passkey(user_id: UUID) -> bool:
    """Tell whether somebody can sign in by a passkey alone."""
    keys = Authenticator.objects.filter(user_id=user_id, type=Authenticator.Type.WEBAUTHN)
    return any(key.wrap().is_passwordless for key in keys)


def remove_all(user_id: UUID) -> int:
    """Take every factor away from an account; return how many it were."""
    return int(Authenticator.objects.filter(user_id=user_id).delete()[0])
