"""Delete expired rows of this app: unfinished processes, and history past its retention."""

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

# Long enough for requests in progress. No longer, because anybody can begin some of these processes.
_UNFINISHED_RETENTION = timedelta(minutes=10)
# A provider's token is kept longer than it could be accepted, because clocks differ.
_PRESENTED_TOKEN_RETENTION = timedelta(hours=1)
_HISTORY_RETENTION = timedelta(days=30)
_BATCH_SIZE = 1000


def purge_expired(*, now: datetime) -> Mapping[str, int]:
    """Delete expired rows in batches; return their number by model name. It can be interrupted and repeated."""
    return {model._meta.model_name or "": _delete(model, condition) for model, condition in _conditions(now).items()}


def _conditions(now: datetime) -> Mapping[type[models.Model], Q]:
    unfinished = Q(expires_at__lt=now - _UNFINISHED_RETENTION)
    return {
        Ceremony: unfinished,
        SignInChallenge: unfinished,
        TotpEnrolment: unfinished,
        SocialAuthorization: unfinished,
        PendingRegistration: unfinished,
        PresentedToken: Q(expires_at__lt=now - _PRESENTED_TOKEN_RETENTION),
        MailedToken: Q(expires_at__lt=now - _HISTORY_RETENTION),
        OutgoingMail: Q(created_at__lt=now - _HISTORY_RETENTION),
        # An unfinished run stays, because it can be continued.
        ImportRun: Q(finished_at__lt=now - _HISTORY_RETENTION),
    }


def _delete(model: type[models.Model], condition: Q) -> int:
    total = 0
    while True:
        batch = model._default_manager.filter(condition).order_by("pk").values_list("pk", flat=True)[:_BATCH_SIZE]
        _all, of_each = model._default_manager.filter(pk__in=list(batch)).delete()
        deleted = of_each.get(model._meta.label, 0)
        total += deleted
        if deleted < _BATCH_SIZE:
            return total
