"""Take factors away from an account that is given back or changes hands, with all that belongs to them."""

from collections.abc import Callable
from datetime import datetime
from uuid import UUID

from allauth.mfa.models import Authenticator

from accounts.factors import enrolled, recovery_codes, totp, webauthn
from accounts.factors.enrolled import Enrolled
from accounts.models import (
    Ceremony,
    RecoverySecret,
    SignInChallenge,
    SignInFailures,
    TotpEnrolment,
    TotpSecret,
    WebAuthnHandle,
)
from accounts.models.passwords import FACTOR_POOLS
from accounts.types import Factor

_REMOVE: dict[str, Callable[[UUID, UUID], object]] = {
    Factor.TOTP: lambda user_id, _factor_id: totp.remove(user_id=user_id),
    Factor.RECOVERY_CODE: lambda user_id, _factor_id: recovery_codes.remove(user_id=user_id),
    Factor.WEBAUTHN: lambda user_id, factor_id: webauthn.remove(user_id=user_id, key_id=factor_id),
}


def remove(*, user_id: UUID, since: datetime | None = None) -> list[Enrolled]:
    """Take every factor away, or those that were added since then; return them.

    Enrolments, ceremonies and sign-ins under way go in any case. In the caller's transaction, which has the person's
    row locked.
    """
    gone = [factor for factor in enrolled.factors(user_id) if since is None or factor.created_at >= since]
    for factor in gone:
        _REMOVE[factor.type](user_id, factor.id)
    if since is None:
        _sweep(user_id)
    elif not enrolled.has_any(user_id):
        recovery_codes.remove(user_id=user_id)  # they only stand in for a factor
    for model in (Ceremony, SignInChallenge, TotpEnrolment):
        model._default_manager.filter(user_id=user_id).delete()
    # What is counted stays while a factor is left: who reads the mail must not get more tries.
    if not enrolled.has_any(user_id):
        SignInFailures.objects.filter(subject=str(user_id), pool__in=FACTOR_POOLS).delete()
    return gone


def _sweep(user_id: UUID) -> None:
    """Leave nothing, half of a factor neither, and no name by which the former owner's keys know the account."""
    Authenticator.objects.filter(user_id=user_id).delete()
    for model in (TotpSecret, RecoverySecret, WebAuthnHandle):
        model._default_manager.filter(pk=user_id).delete()
