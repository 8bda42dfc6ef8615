"""Tell people of sign-ins that don't look like theirs."""

from datetime import datetime
from uuid import UUID

from django.utils.translation import override

from accounts import known_devices
from accounts.models import User
from accounts.services.mailing import mail_queue
from security_events.masking import truncate_ip
from tokens import devices
from tokens.models import Session
from tokens.types import ClientContext

_COMPARED = 50


def notice_unfamiliar(
    *, user: User, session_id: UUID, client: ClientContext, had_signed_in: bool, now: datetime | None = None
) -> bool:
    """Have somebody written to about a session from a device or a network that none of their earlier ones came from.

    In the transaction that opened the session, and only where ``known_devices`` does not recognise the place: that one
    is bound to the password, so after a new one the earlier sessions still tell. The very first session tells nothing
    new. Browser versions and addresses within a network change by themselves and don't count.
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
    with override("en"):  # the mail says it in the language of its reader, who may not be the one that signs in
        device = devices.describe(client.user_agent)
    details = {"device": device, "ip_address": client.ip_address or ""}
    mail_queue.enqueue(user_id=user.pk, kind=mail_queue.Kind.NEW_DEVICE, details=details, now=now)
    return True


def _place(address: str | None, user_agent: str) -> tuple[str, str]:
    return truncate_ip(address) if address else "", known_devices.family(user_agent)
