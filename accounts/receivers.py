"""What this app does about what others announce."""

from datetime import datetime
from typing import Any
from uuid import UUID, uuid5

from django.dispatch import receiver
from django.utils.translation import override

from accounts.services.mailing import mail_queue
from tokens import devices, signals
from tokens.types import ClientContext


@receiver(signals.family_compromised, dispatch_uid="accounts.tell_of_theft")
def tell_of_theft(*, user_id: UUID, **_details: Any) -> None:
    """Write to the person whose refresh token turned up twice."""
    mail_queue.enqueue(user_id=user_id, kind=mail_queue.MailKind.SESSION_ENDED_FOR_SAFETY)


@receiver(signals.repeated_elsewhere, dispatch_uid="accounts.tell_of_repeat")
def tell_of_repeat(*, user_id: UUID, session_id: UUID, client: ClientContext, now: datetime, **_details: Any) -> None:
    """Write to the person whose session another kind of client in another network asked for, once a day and session."""
    with override("en"):  # the mail says it in the language of its reader
        device = devices.device_name(client.user_agent)
    mail_queue.enqueue(
        user_id=user_id,
        kind=mail_queue.MailKind.SESSION_USED_ELSEWHERE,
        now=now,
        details={"device": device, "ip_address": client.ip_address or ""},
        mail_id=uuid5(session_id, f"used elsewhere {now.date()}"),
    )
