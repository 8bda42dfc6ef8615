"""Notify people by mail about sign-ins from new clients."""

from datetime import datetime
from uuid import UUID

from django.utils.translation import override

from accounts.client_tokens import known_devices
from accounts.models import User
from accounts.services.mailing import mail_queue
from security_events.masking import truncate_ip
from tokens import devices
from tokens.models import Session
from tokens.types import ClientContext

_COMPARED = 50


def notify_new_client(
    *, user: User, session_id: UUID, client: ClientContext, had_signed_in: bool, now: datetime
) -> bool:
    """Mail a person about a session whose device or network none of their earlier sessions had; return whether.

    Called in the transaction that opened the session, if the client is not stored as known. Known clients are bound to
    the password, so that after a password change only the earlier sessions show what is known. The first session of an
    account is not reported. Browser versions and addresses within one network change often and are not compared.
    """
    earlier = (
        Session.objects.filter(user_id=user.pk)
        .exclude(pk=session_id)
        .order_by("-id")
        .values_list("ip_address", "user_agent")[:_COMPARED]
    )
    familiar = {_place(address, agent) for address, agent in earlier}
    if _place(client.ip_address, client.user_agent) in familiar or not (familiar or had_signed_in):
        return False
    with override("en"):  # the mail translates it into the language of its reader
        device = devices.device_name(client.user_agent)
    details = {"device": device, "ip_address": client.ip_address or ""}
    mail_queue.enqueue(user_id=user.pk, kind=mail_queue.MailKind.NEW_DEVICE, details=details, now=now)
    return True


def _place(address: str | None, user_agent: str) -> tuple[str, str]:
    return truncate_ip(address) if address else "", known_devices.client_family(user_agent)
