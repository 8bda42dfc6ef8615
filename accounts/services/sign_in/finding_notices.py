"""Tell people by mail about findings of detection rules about their account.

Whoever causes findings must not fill a mailbox. So there is one mail for each incident (``responses.start``), and by
the id of the mail at most one a day for each rule. All rules about attempts that were refused share one a day, because
anybody can cause those; the others take the password, and have their own, so that refused attempts can't suppress them.
Several rules can find the same sign-in after an attack; these share one, too.
"""

from datetime import datetime, timedelta
from uuid import UUID, uuid5

from django.utils.translation import override

from accounts import selectors
from accounts.services.mailing import mail_queue
from accounts.services.mailing.mail_queue import MailKind
from security_events.types import ResponseOrder
from tokens import devices
from tokens.models import Session

# Rules that anybody fires without knowing the password.
ATTEMPTS = frozenset({"brute_force", "distributed_brute_force"})
# Rules that find a sign-in after or among attacks.
SUCCESSES = frozenset(
    {
        "success_after_guessing",
        "success_among_stuffing",
        "success_among_spraying",
        "success_among_distributed_spraying",
    }
)
_DAY = timedelta(days=1)
# What people are mailed about by the service that refuses, before the rule has enough events.
_TOLD_BEFORE = {"mfa_guessing": MailKind.FACTOR_LOCKED}


def notify(*, user_id: UUID, order: ResponseOrder, now: datetime) -> UUID | None:
    """Mail the person whom a finding is about; return the id of the mail, ``None`` if nobody is mailed.

    Nothing happens to an account that is deleted, erased or disabled.
    """
    user = selectors.undeleted_user(user_id=user_id)
    if user is None or not user.is_active or _was_told(user_id, order.rule, now=now):
        return None
    is_attempt = order.rule in ATTEMPTS
    group = "attempts" if is_attempt else "successes" if order.rule in SUCCESSES else order.rule
    return mail_queue.enqueue(
        user_id=user_id,
        kind=MailKind.ATTACK_WARDED_OFF if is_attempt else MailKind.SUSPICIOUS_SIGN_IN,
        details={"rule": order.rule, "network": order.network, **client_details(order.session_id)},
        mail_id=uuid5(user_id, f"finding {group} {now.date()}"),
        now=now,
    )


def client_details(session_id: UUID | None) -> dict[str, str]:
    """Return the device and the address of a session as mails show them; nothing if the session is not known."""
    session = Session.objects.filter(pk=session_id).first() if session_id else None
    if session is None:
        return {}
    with override("en"):  # the mail translates it into the language of its reader
        device = devices.device_name(session.user_agent)
    return {"device": device, "ip_address": session.ip_address or ""}


def _was_told(user_id: UUID, rule: str, *, now: datetime) -> bool:
    kind = _TOLD_BEFORE.get(rule)
    return kind is not None and selectors.was_mailed(user_id=user_id, kind=kind, since=now - _DAY)
