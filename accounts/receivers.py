"""What this app does about what others announce."""

from typing import Any
from uuid import UUID

from django.dispatch import receiver

from accounts.services import mail
from tokens import signals


@receiver(signals.family_compromised, dispatch_uid="accounts.tell_of_theft")
def tell_of_theft(*, user_id: UUID, **_details: Any) -> None:
    """Write to the person whose refresh token turned up twice."""
    mail.enqueue(user_id=user_id, kind=mail.Kind.SESSION_ENDED_FOR_SAFETY)
