"""Forget what this app need not remember any more: what was never finished, and what is long past."""

from collections.abc import Mapping
from datetime import datetime, timedelta

from django.db import models
from django.db.models import Q

from accounts.models import (
    Ceremony,
    ImportRun,
    MailedToken,
    OutgoingMail,
    PendingRegistration,
    PresentedToken,
    SignInChallenge,
    SocialAuthorization,
    TotpEnrolment,
)

# Whoever is just finishing something still finds it. No longer, since some of it takes no signing in to begin.
_UNFINISHED = timedelta(minutes=10)
# Clocks differ a little: a provider's token is remembered somewhat longer than it could be accepted.
_PRESENTED = timedelta(hours=1)
_PAST = timedelta(days=30)
_BATCH = 1000


def purge_expired(*, now: datetime) -> dict[str, int]:
    """Delete in batches what nobody needs any more; return the counts. Safe to interrupt and to run twice."""
    return {model._meta.model_name or "": _delete(model, what) for model, what in _expired(now).items()}


def _expired(now: datetime) -> Mapping[type[models.Model], Q]:
    unfinished = Q(expires_at__lt=now - _UNFINISHED)
    return {
        Ceremony: unfinished,
        SignInChallenge: unfinished,
        TotpEnrolment: unfinished,
        SocialAuthorization: unfinished,
        PendingRegistration: unfinished,
        PresentedToken: Q(expires_at__lt=now - _PRESENTED),
        MailedToken: Q(expires_at__lt=now - _PAST),
        OutgoingMail: Q(created_at__lt=now - _PAST),
        # One that was broken off stays: it can be taken up again.
        ImportRun: Q(finished_at__lt=now - _PAST),
    }


def _delete(model: type[models.Model], condition: Q) -> int:
    total = 0
    while True:
        batch = model._default_manager.filter(condition).order_by("pk").values_list("pk", flat=True)[:_BATCH]
        _all, of_each = model._default_manager.filter(pk__in=list(batch)).delete()
        deleted = of_each.get(model._meta.label, 0)
        total += deleted
        if deleted < _BATCH:
            return total
