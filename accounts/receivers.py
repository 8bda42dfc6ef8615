"""Receivers of the signals of ``tokens``: mail to the user."""

from datetime import datetime
from typing import Any
from uuid import UUID, uuid5

from django.dispatch import receiver
from django.utils.translation import override

from accounts.services.mailing import mail_queue
from tokens import devices, signals
from tokens.types import ClientContext


@receiver(signals.family_compromised, dispatch_uid="accounts.notify_token_reuse")
@receiver(signals.reused_after_end, dispatch_uid="accounts.notify_reuse_after_end")
def notify_token_reuse(*, user_id: UUID, session_id: UUID, **_details: Any) -> None:
    """Mail the user whose refresh token was used twice, while its session lived or later (RFC 9700, 4.14.2).

    The id of the mail is derived from the session, so that there is one mail for each, however often a thief tries.
    """
    mail_queue.enqueue(
        user_id=user_id,
        kind=mail_queue.MailKind.SESSION_ENDED_FOR_SAFETY,
        mail_id=uuid5(session_id, "ended for safety"),
    )


@receiver(signals.repeated_elsewhere, dispatch_uid="accounts.notify_use_elsewhere")
def notify_use_elsewhere(
    *, user_id: UUID, session_id: UUID, client: ClientContext, now: datetime, **_details: Any
) -> None:
    """Mail the user whose refresh token was repeated by another kind of client in another network.

    The id of the mail is derived from the session and the day, so that there is one mail a day for each session.
    """
    with override("en"):  # the mail translates it into the user's language
        device = devices.device_name(client.user_agent)
    mail_queue.enqueue(
        user_id=user_id,
        kind=mail_queue.MailKind.SESSION_USED_ELSEWHERE,
        now=now,
        details={"device": device, "ip_address": client.ip_address or ""},
        mail_id=uuid5(session_id, f"used elsewhere {now.date()}"),
    )
