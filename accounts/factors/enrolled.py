"""Which second factors somebody has."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from allauth.mfa.models import Authenticator

from accounts.factors import recovery_codes
from accounts.models import RecoverySecret, SecurityKey, TotpSecret

# allauth's name of a kind of factor: what the contract calls the method.
METHODS = {
    Authenticator.Type.TOTP: "totp",
    Authenticator.Type.WEBAUTHN: "webauthn",
    Authenticator.Type.RECOVERY_CODES: "recovery_code",
}


@dataclass(frozen=True, slots=True)
class Enrolled:
    """One factor; ``name`` is what its owner calls a key, and empty for what there is one of."""

    id: UUID
    type: str
    name: str
    created_at: datetime
    last_used_at: datetime | None
    is_passkey: bool = False
    is_synchronised: bool = False


def methods(user_id: UUID) -> tuple[str, ...]:
    """Name somebody's ways to show a second factor, in a fixed order."""
    kinds = set(Authenticator.objects.filter(user_id=user_id).values_list("type", flat=True))
    return tuple(method for kind, method in METHODS.items() if kind in kinds)


def has_any(user_id: UUID) -> bool:
    """Whether somebody has a factor of their own; recovery codes only stand in for one."""
    rows = Authenticator.objects.filter(user_id=user_id).exclude(type=Authenticator.Type.RECOVERY_CODES)
    return bool(rows.exists())


def has_passkey(user_id: UUID) -> bool:
    """Whether somebody can sign in by a passkey alone."""
    return any(factor.is_passkey for factor in factors(user_id))


def factors(user_id: UUID) -> list[Enrolled]:
    """Return somebody's factors, in the order in which they were added."""
    of_person = SecurityKey.objects.filter(user_id=user_id).select_related("authenticator")
    keys = {key.authenticator_id: key for key in of_person}
    ids = {
        Authenticator.Type.TOTP: TotpSecret.objects.filter(pk=user_id).values_list("public_id", flat=True).first(),
        Authenticator.Type.RECOVERY_CODES: RecoverySecret.objects.filter(pk=user_id)
        .values_list("public_id", flat=True)
        .first(),
    }
    rows = Authenticator.objects.filter(user_id=user_id).order_by("created_at", "pk")
    found = (factor(keys[row.pk]) if row.pk in keys else _single(row, ids.get(row.type)) for row in rows)
    return [one for one in found if one is not None]


def factor(key: SecurityKey) -> Enrolled:
    """Return a key as its owner sees it."""
    wrapped = key.authenticator.wrap()
    return Enrolled(
        id=key.pk,
        type=METHODS[Authenticator.Type.WEBAUTHN],
        name=wrapped.name,
        created_at=key.authenticator.created_at,
        last_used_at=key.authenticator.last_used_at,
        is_passkey=bool(wrapped.is_passwordless),
        is_synchronised=key.is_backed_up,
    )


def _single(row: Authenticator, public_id: UUID | None) -> Enrolled | None:
    if public_id is None:
        return None  # removed between two reads
    return Enrolled(
        id=public_id, type=METHODS[row.type], name="", created_at=row.created_at, last_used_at=row.last_used_at
    )


def recovery_codes_left(user_id: UUID) -> int:
    """Return how many recovery codes somebody can still use."""
    return recovery_codes.left(user_id=user_id)
