"""Factors of which a user has at most one: allauth's row, and a secret of ours whose primary key is the user."""

from collections.abc import Sequence
from uuid import UUID

from allauth.mfa.models import Authenticator
from django.db.models import QuerySet

from accounts.factors.protocol import EnrolledFactor
from accounts.models.factors import FactorSecret
from accounts.types import FactorMethod


def authenticators(*, user_id: UUID, authenticator_type: str) -> QuerySet[Authenticator]:
    """Return allauth's rows of a user with one ``Authenticator.type``."""
    rows: QuerySet[Authenticator] = Authenticator.objects.filter(user_id=user_id, type=authenticator_type)
    return rows


def describe(
    rows: Sequence[Authenticator], *, model: type[FactorSecret], method: FactorMethod
) -> dict[int, EnrolledFactor]:
    """Return what the owner of ``rows`` sees, by the primary key of the row; leave out rows without a secret."""
    public_ids = dict(
        model._default_manager.filter(pk__in=[row.user_id for row in rows]).values_list("pk", "public_id")
    )
    return {
        row.pk: EnrolledFactor(
            id=public_ids[row.user_id],
            type=method,
            name="",
            created_at=row.created_at,
            last_used_at=row.last_used_at,
        )
        for row in rows
        if row.user_id in public_ids
    }


def remove(authenticators: QuerySet[Authenticator], *, model: type[FactorSecret], user_id: UUID) -> bool:
    """Delete a user's secret and allauth's row; ``False`` when there was no row."""
    model._default_manager.filter(pk=user_id).delete()
    deleted, _by_model = authenticators.delete()
    return bool(deleted)
