"""Remove second factors from an account that is given back or changes hands, with everything that belongs to them."""

from datetime import datetime
from uuid import UUID

from allauth.mfa.models import Authenticator

from accounts.factors import enrolled
from accounts.factors.protocol import EnrolledFactor
from accounts.factors.registry import AUTHENTICATOR_TYPES, SECOND_FACTORS
from accounts.models import (
    Ceremony,
    SignInChallenge,
    SignInFailures,
    TotpEnrolment,
    WebAuthnHandle,
)
from accounts.models.factors import FactorSecret
from accounts.models.passwords import FACTOR_POOLS
from accounts.types import FactorMethod


def remove_factors(*, user_id: UUID, since: datetime | None = None) -> list[EnrolledFactor]:
    """Remove all factors of a user, or those that were added at ``since`` or later; return them.

    Enrolments, WebAuthn challenges and pending sign-ins are removed in any case. Call it in a transaction that has
    locked the user's row.
    """
    removed = [factor for factor in enrolled.list_factors(user_id) if since is None or factor.created_at >= since]
    for factor in removed:
        SECOND_FACTORS[FactorMethod(factor.type)].remove(user_id=user_id, factor_id=factor.id)
    if since is None:
        _remove_remainders(user_id)
    elif not enrolled.has_any(user_id):
        remove_substitutes(user_id=user_id)
    for model in (Ceremony, SignInChallenge, TotpEnrolment):
        model._default_manager.filter(user_id=user_id).delete()
    # Wrong answers stay counted while a factor is left: somebody who reads the mail must not get more attempts.
    if not enrolled.has_any(user_id):
        SignInFailures.objects.filter(subject=str(user_id), pool__in=FACTOR_POOLS).delete()
    return removed


def remove_substitutes(*, user_id: UUID) -> None:
    """Remove the factors that only substitute for others, because a user has no other factor any more."""
    for method, kind in SECOND_FACTORS.items():
        if kind.IS_SUBSTITUTE:
            rows = Authenticator.objects.filter(user_id=user_id, type=AUTHENTICATOR_TYPES[method])
            for factor in kind.describe(list(rows)).values():
                kind.remove(user_id=user_id, factor_id=factor.id)
            rows.delete()  # rows without their other half


def _remove_remainders(user_id: UUID) -> None:
    """Remove rows without their other half, and the user handle by which the former owner's keys know the account."""
    Authenticator.objects.filter(user_id=user_id).delete()
    # All models of secrets, so that a new kind of factor leaves nothing behind.
    for model in FactorSecret.__subclasses__():
        model._default_manager.filter(pk=user_id).delete()
    WebAuthnHandle.objects.filter(pk=user_id).delete()
