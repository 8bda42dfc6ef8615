"""What the risk of a sign-in means for its person: nothing, a mail, a proof at the next sensitive call, or a refusal.

The risk is computed after the first factor was right and before a session is opened, so that guesses cost nothing more
and take no other time than before.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID, uuid5

from django.db import transaction
from django.utils.translation import override

from accounts.detection_rules import SIGN_IN_RISK
from accounts.models import User
from accounts.services.mailing import mail_queue
from accounts.services.mailing.mail_queue import MailKind
from ratelimiting.services import refusal_reports
from security_events.services.detection import sign_in_risk
from security_events.services.detection.sign_in_risk import SignInRisk
from security_events.types import RiskChoice
from tokens import devices
from tokens.models import MULTI_FACTOR
from tokens.types import ClientContext
from tokens.users import subject_of

REFUSED = "risk_too_high"  # the reason in the event of a refused sign-in


def of_sign_in(*, user: User, amr: Sequence[str], is_known_device: bool, now: datetime) -> SignInRisk | None:
    """Return the risk of a sign-in by the methods ``amr`` (RFC 8176); ``None`` if it is not known.

    People with a second factor have to show it in any case. Theirs is no sign-in by a password alone.
    """
    return sign_in_risk.of_sign_in(
        rule=SIGN_IN_RISK,
        subject=subject_of(user),
        is_known_device=is_known_device,
        has_second_factor=user.is_mfa_enabled or MULTI_FACTOR in amr,
        now=now,
    )


def event_details(found: SignInRisk | None, **data: Any) -> dict[str, Any]:
    """Return what the event of a sign-in has of its risk, beside other data."""
    if found is None:
        return {"data": data}
    return {
        "risk_score": found.score,
        "reasons": list(found.reasons),
        "data": {**data, "risk": found.event_data()},
    }


def is_refused(found: SignInRisk) -> bool:
    """Return whether the sign-in is to be refused as if the password was wrong."""
    return found.enforced is RiskChoice.REFUSE


def report_refusal(
    found: SignInRisk, *, user: User, event_id: UUID | None, client: ClientContext, now: datetime
) -> None:
    """Tell the person about a refused sign-in, once a day, and how they get in if it was theirs. Open an incident.

    A background thread does it, because a caller could recognise a right password by the time that it takes. The event
    of the refusal is stored before; a process that is killed in between loses the mail and the incident only.
    ``event_id`` is ``None`` for a repetition within a minute, which is counted only.
    """

    def report() -> None:
        _notify(user, MailKind.SIGN_IN_REFUSED, client, now=now)
        if event_id is not None:
            sign_in_risk.report_refusal(found, event_id=event_id, subject=subject_of(user), now=now)

    refusal_reports.defer(act=report)


def respond(
    found: SignInRisk | None,
    *,
    user: User,
    event_id: UUID,
    session_id: UUID,
    client: ClientContext,
    was_mailed: bool,
    now: datetime,
) -> None:
    """Do what the risk of a sign-in asks for, in the transaction that opened its session.

    ``was_mailed``: the person is told of a new client already, and gets no second mail about the same sign-in.
    """
    if found is None:
        return
    if found.enforced is not RiskChoice.ALLOW and not was_mailed:
        _notify(user, MailKind.SUSPICIOUS_SIGN_IN, client, now=now)
    sign_in_risk.respond(found, event_id=event_id, subject=subject_of(user), session_id=session_id, now=now)


def _notify(user: User, kind: MailKind, client: ClientContext, *, now: datetime) -> None:
    """Mail a person, at most once a day about the same: nobody who knows a password can fill a mailbox."""
    with override("en"):  # the mail translates it into the language of its reader
        device = devices.device_name(client.user_agent)
    with transaction.atomic(savepoint=False):
        mail_queue.enqueue(
            user_id=user.pk,
            kind=kind,
            details={"rule": SIGN_IN_RISK.id, "device": device, "ip_address": client.ip_address or ""},
            mail_id=uuid5(user.pk, f"{kind} {now.date()}"),
            now=now,
        )
