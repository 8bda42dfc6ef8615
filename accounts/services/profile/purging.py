"""Delete expired rows of this app and of access control: unfinished processes, and history past its retention."""

from collections.abc import Mapping
from datetime import datetime, timedelta

from django.db import models
from django.db.models import Q

from accounts.access.models import IdempotentRequest
from accounts.models import (
    Ceremony,
    FactorLock,
    ImportRun,
    MailedToken,
    OutgoingMail,
    PendingRegistration,
    PresentedToken,
    ProofCode,
    SecondFactorReset,
    SignInChallenge,
    SocialAuthorization,
    TotpEnrolment,
)
from cedrina_base.batch_deletion import delete_in_batches

# Long enough for requests in progress. No longer, because anybody can begin some of these processes.
_UNFINISHED_RETENTION = timedelta(minutes=10)
# A provider's token is kept longer than it could be accepted, because clocks differ.
_PRESENTED_TOKEN_RETENTION = timedelta(hours=1)
_PROOF_CODE_RETENTION = timedelta(hours=2)
_HISTORY_RETENTION = timedelta(days=30)


def purge_expired(*, now: datetime) -> Mapping[str, int]:
    """Delete expired rows in batches; return their number by model name. It can be interrupted and repeated."""
    return {
        model._meta.model_name or "": delete_in_batches(model._default_manager.filter(condition))
        for model, condition in _conditions(now).items()
    }


def _conditions(now: datetime) -> Mapping[type[models.Model], Q]:
    unfinished = Q(expires_at__lt=now - _UNFINISHED_RETENTION)
    return {
        Ceremony: unfinished,
        SignInChallenge: unfinished,
        TotpEnrolment: unfinished,
        FactorLock: unfinished,
        SocialAuthorization: unfinished,
        PendingRegistration: unfinished,
        PresentedToken: Q(expires_at__lt=now - _PRESENTED_TOKEN_RETENTION),
        # The limit of codes in an hour counts them.
        ProofCode: Q(expires_at__lt=now - _PROOF_CODE_RETENTION),
        MailedToken: Q(expires_at__lt=now - _HISTORY_RETENTION),
        SecondFactorReset: Q(closed_at__lt=now - _HISTORY_RETENTION),
        OutgoingMail: Q(created_at__lt=now - _HISTORY_RETENTION),
        # An unfinished run stays, because it can be continued.
        ImportRun: Q(finished_at__lt=now - _HISTORY_RETENTION),
        IdempotentRequest: Q(expires_at__lte=now),
    }
