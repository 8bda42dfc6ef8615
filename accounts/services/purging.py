"""Forget sign-ins, ceremonies and enrolments that were never finished, and old counts of wrong tries."""

from datetime import datetime, timedelta

from django.db.models import Q

from accounts.models import Ceremony, FactorAttempts, SignInChallenge, TotpEnrolment
from accounts.services import lockouts

# For this long an answer that comes too late is still found, and refused for that reason.
_KEPT = timedelta(hours=1)
_BATCH = 1000


def purge_expired(*, now: datetime) -> dict[str, int]:
    """Delete in batches what nobody can finish any more; return the counts. Safe to interrupt and to run twice."""
    past = Q(expires_at__lt=now - _KEPT)
    forgotten = now - max(lockouts.FORGIVEN_AFTER, lockouts.WINDOW)
    unlocked = Q(locked_until=None) | Q(locked_until__lt=forgotten)
    return {
        "ceremonies": _delete(Ceremony, past),
        "sign_ins": _delete(SignInChallenge, past),
        "enrolments": _delete(TotpEnrolment, past),
        "attempts": _delete(FactorAttempts, Q(began_at__lt=forgotten) & unlocked),
    }


def _delete(
    model: type[Ceremony | SignInChallenge | TotpEnrolment | FactorAttempts], condition: Q
) -> int:  # fmt: skip
    total = 0
    while True:
        batch = model._default_manager.filter(condition).order_by("pk").values("pk")[:_BATCH]  # noqa: SLF001
        _all, of_each = model._default_manager.filter(pk__in=list(batch.values_list("pk", flat=True))).delete()  # noqa: SLF001
        deleted = of_each.get(model._meta.label, 0)  # noqa: SLF001
        total += deleted
        if deleted < _BATCH:
            return total
