"""Recovery codes: what gets people in who lost their second factor."""

from datetime import datetime
from uuid import UUID

from django.db import transaction
from django.utils import timezone

from accounts import event_types
from accounts.errors import NotFound
from accounts.factors import enrolled
from accounts.factors.recovery_codes import make
from accounts.models import User
from accounts.services.factors import enrolment
from security_events.services import recording
from tokens.users import subject_of


def renew(*, user: User, session_id: UUID, now: datetime | None = None) -> list[str]:
    """Give somebody a new set, to be shown once; the codes of the old one are dead.

    Raises: NotThere, for people without a second factor: there is nothing to recover.
    """
    with transaction.atomic():
        enrolment.lock(user=user)
        if not enrolled.has_any(user.pk):
            raise NotFound
        codes = make(user=user, at=now or timezone.now())
        recording.record(
            event_types.MFA_RECOVERY_CODES_MADE,
            actor=subject_of(user),
            target=subject_of(user),
            session_id=session_id,
            now=now,
        )
    return codes
