"""Which second factors somebody has."""

from uuid import UUID

from allauth.mfa.models import Authenticator

# allauth's name of a kind of factor: what the contract calls the method.
METHODS = {
    Authenticator.Type.TOTP: "totp",
    Authenticator.Type.WEBAUTHN: "webauthn",
    Authenticator.Type.RECOVERY_CODES: "recovery_code",
}


def methods(user_id: UUID) -> tuple[str, ...]:
    """Name somebody's ways to show a second factor, in a fixed order."""
    kinds = set(Authenticator.objects.filter(user_id=user_id).values_list("type", flat=True))
    return tuple(method for kind, method in METHODS.items() if kind in kinds)
