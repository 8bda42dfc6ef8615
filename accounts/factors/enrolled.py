"""Which second factors a user has."""

from uuid import UUID

from allauth.mfa.models import Authenticator

from accounts.factors.protocol import EnrolledFactor
from accounts.factors.registry import AUTHENTICATOR_TYPES, SECOND_FACTORS

_SUBSTITUTES = [AUTHENTICATOR_TYPES[method] for method, kind in SECOND_FACTORS.items() if kind.IS_SUBSTITUTE]


def methods(user_id: UUID) -> tuple[str, ...]:
    """Return the methods by which a user can show a second factor, in the order in which they are offered."""
    types = set(Authenticator.objects.filter(user_id=user_id).values_list("type", flat=True))
    return tuple(method for method, row_type in AUTHENTICATOR_TYPES.items() if row_type in types)


def has_any(user_id: UUID) -> bool:
    """Tell whether a user has a second factor. Recovery codes don't count, because they only substitute for one."""
    return bool(Authenticator.objects.filter(user_id=user_id).exclude(type__in=_SUBSTITUTES).exists())


def has_passkey(user_id: UUID) -> bool:
    """Tell whether a user can sign in with a passkey alone."""
    return any(factor.is_passkey for factor in list_factors(user_id))


def list_factors(user_id: UUID) -> list[EnrolledFactor]:
    """Return a user's factors, in the order in which they were added."""
    rows = list(Authenticator.objects.filter(user_id=user_id).order_by("created_at", "pk"))
    described: dict[int, EnrolledFactor] = {}
    for method, kind in SECOND_FACTORS.items():
        of_kind = [row for row in rows if row.type == AUTHENTICATOR_TYPES[method]]
        if of_kind:
            described.update(kind.describe(of_kind))
    return [described[row.pk] for row in rows if row.pk in described]
