"""Add and remove an authenticator application."""

from datetime import datetime, timedelta
from uuid import UUID

from django.db import transaction

from accounts.errors import AlreadyExists, MfaCodeInvalid, NotFound
from accounts.factors import amr, totp
from accounts.factors.totp import TotpProvisioning
from accounts.models import TotpEnrolment, User
from accounts.services.factors import enrolment
from accounts.types import FactorMethod

LIFETIME = timedelta(minutes=15)


def begin(*, user: User, now: datetime) -> TotpProvisioning:
    """Make a secret to set up an application with. It counts once ``activate`` confirms it; a newer one replaces it.

    Raises: AlreadyExists, NotFound.
    """
    secret = totp.generate_secret()
    with transaction.atomic():
        enrolment.lock_user(user=user)
        if totp.is_active(user_id=user.pk):
            raise AlreadyExists
        TotpEnrolment(user_id=user.pk, secret=secret, expires_at=now + LIFETIME).save()
    return totp.provision(user=user, secret=secret)


def activate(*, user: User, session_id: UUID, code: str, now: datetime) -> list[str] | None:
    """Make the latest secret count, if a code proves that an application has it.

    Return recovery codes if this is the user's first factor, to be shown once.

    Raises: NotFound when no secret waits, AlreadyExists, MfaCodeInvalid, and SessionRevoked of ``tokens``.
    """
    with transaction.atomic():
        enrolment.lock_user(user=user)
        if totp.is_active(user_id=user.pk):
            raise AlreadyExists
        pending = TotpEnrolment.objects.filter(pk=user.pk, expires_at__gt=now).first()
        if pending is None:
            raise NotFound
        step = totp.matching_step(secret=pending.secret, code=code, at=now)
        if step is None:
            raise MfaCodeInvalid
        totp.activate(user=user, secret=pending.secret, step=step, now=now)
        pending.delete()
        return enrolment.record_added(
            user=user, method=FactorMethod.TOTP, session_id=session_id, amr=amr.OF_CODES, now=now
        )


def remove(*, user: User, session_id: UUID, now: datetime) -> None:
    """Delete a user's authenticator application.

    Raises: NotFound.
    """
    with transaction.atomic():
        enrolment.lock_user(user=user)
        if not totp.remove(user_id=user.pk):
            raise NotFound
        enrolment.record_removed(user=user, method=FactorMethod.TOTP, session_id=session_id, now=now)
