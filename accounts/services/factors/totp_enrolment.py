"""Add and remove an authenticator application."""

from datetime import datetime, timedelta
from uuid import UUID

from django.db import transaction
from django.utils import timezone

from accounts.errors import AlreadyExists, MfaCodeInvalid, NotFound
from accounts.factors import totp
from accounts.factors.totp import Shown
from accounts.models import TotpEnrolment, User
from accounts.services.factors import enrolment
from accounts.services.factors.second_factors import ONE_TIME_CODE
from accounts.types import Factor
from tokens.models import MULTI_FACTOR

LIFETIME = timedelta(minutes=15)


def begin(*, user: User, now: datetime | None = None) -> Shown:
    """Make a key to set up an application with. It counts once a code of it was shown; a newer one replaces it.

    Raises: AlreadyThere, NotThere.
    """
    secret = totp.new_secret()
    with transaction.atomic():
        enrolment.lock(user=user)
        if totp.is_active(user_id=user.pk):
            raise AlreadyExists
        TotpEnrolment(user_id=user.pk, secret=secret, expires_at=(now or timezone.now()) + LIFETIME).save()
    return totp.show(user=user, secret=secret)


def activate(*, user: User, session_id: UUID, code: str, now: datetime | None = None) -> list[str] | None:
    """Make the key that was shown last count, if a code proves that an application has it.

    Return the recovery codes where this is the first factor, to be shown once.

    Raises: NotThere when no key waits, AlreadyThere, MfaCodeInvalid, and SessionRevoked of ``tokens``.
    """
    at = now or timezone.now()
    with transaction.atomic():
        enrolment.lock(user=user)
        if totp.is_active(user_id=user.pk):
            raise AlreadyExists
        waiting = TotpEnrolment.objects.filter(pk=user.pk, expires_at__gt=at).first()
        if waiting is None:
            raise NotFound
        step = totp.matching_step(secret=waiting.secret, code=code, at=at)
        if step is None:
            raise MfaCodeInvalid
        totp.activate(user=user, secret=waiting.secret, step=step, at=at)
        waiting.delete()
        return enrolment.added(
            user=user, factor=Factor.TOTP, session_id=session_id, amr=[ONE_TIME_CODE, MULTI_FACTOR], now=now
        )


def remove(*, user: User, session_id: UUID, now: datetime | None = None) -> None:
    """Forget somebody's authenticator application.

    Raises: NotThere.
    """
    with transaction.atomic():
        enrolment.lock(user=user)
        if not totp.remove(user_id=user.pk):
            raise NotFound
        enrolment.removed(user=user, factor=Factor.TOTP, session_id=session_id, now=now)
