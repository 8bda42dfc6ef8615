"""Recovery codes, by which people sign in who have lost their second factor."""

from datetime import datetime
from uuid import UUID

from django.db import transaction

from accounts import event_types
from accounts.errors import NotFound
from accounts.factors import enrolled
from accounts.factors.recovery_codes import generate
from accounts.models import User
from accounts.services.factors import enrolment
from security_events.services import recording
from tokens.users import subject_of


def regenerate(*, user: User, session_id: UUID, now: datetime) -> list[str]:
    """Replace a user's recovery codes by a new set, to be shown once.

    Raises: NotFound, for users without a second factor, which the codes could substitute for.
    """
    with transaction.atomic():
        enrolment.lock_user(user=user)
        if not enrolled.has_any(user.pk):
            raise NotFound
        codes = generate(user=user, now=now)
        recording.record(
            event_types.MFA_RECOVERY_CODES_MADE,
            actor=subject_of(user),
            target=subject_of(user),
            session_id=session_id,
            now=now,
        )
    return codes
