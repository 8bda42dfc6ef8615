"""Limits for the number of mails that one address gets, whatever their kinds and causes.

Budgets belong to the recipient, which is the address as ``fold_email`` returns it. A mail is charged when a worker
begins to send it. Mails that anybody can cause have a budget of their own. So strangers use up neither the mails that
the owner requests on a known device, nor the notices that warn the owner of an attack. Mails that operators cause have
another one: an operator who is deceived, or an attacker who has become one, can't flood a mailbox either.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from types import MappingProxyType
from uuid import UUID

from django.db import connection

from accounts.models import MailBudget, OutgoingMail
from accounts.models.mailing import DropReason
from accounts.services.mailing import mailed_tokens

HOUR, DAY = timedelta(hours=1), timedelta(days=1)
# For this time after a mail with a link another one of the same kind is not sent: the first has probably not arrived.
DUPLICATE_INTERVAL = timedelta(minutes=1)

_LOCK_RECIPIENT = "SELECT pg_advisory_xact_lock(hashtextextended('accounts.mail_budgets ' || %(recipient)s, 0))"


@dataclass(frozen=True, slots=True)
class MailAllowance:
    """The size of one budget in mails: of one kind per hour, of all kinds per hour and per day."""

    per_kind_and_hour: int
    per_hour: int
    per_day: int


ALLOWANCES: Mapping[str, MailAllowance] = MappingProxyType(
    {
        MailBudget.ANYBODY: MailAllowance(per_kind_and_hour=3, per_hour=6, per_day=20),
        MailBudget.KNOWN_DEVICE: MailAllowance(per_kind_and_hour=3, per_hour=6, per_day=20),
        MailBudget.NOTICE: MailAllowance(per_kind_and_hour=10, per_hour=30, per_day=100),
        MailBudget.OPERATOR: MailAllowance(per_kind_and_hour=3, per_hour=12, per_day=30),
    }
)
# Of these the first mail of each kind in a day is always sent.
_TELLING = frozenset({MailBudget.NOTICE, MailBudget.OPERATOR})


def drop_reason(*, row: OutgoingMail, now: datetime) -> DropReason | None:
    """Return why the recipient gets no further mail now, ``TOO_MANY`` or ``ON_ITS_WAY``; ``None`` if it is sent.

    Locks the recipient until the caller's transaction ends, so that workers decide one after the other. The first
    notice of each kind in a day is always sent, so that many notices of one kind can't suppress another kind. So is the
    first mail of each kind that an operator causes.
    """
    with connection.cursor() as cursor:
        cursor.execute(_LOCK_RECIPIENT, {"recipient": row.recipient})
    rows = OutgoingMail.objects.filter(recipient=row.recipient, started_at__gt=now - DAY).exclude(pk=row.pk)
    earlier = list(rows.only("kind", "user", "registration", "budget", "started_at", "dropped_at"))
    if row.budget not in _TELLING and _is_on_its_way(row, earlier, now=now):
        return DropReason.ON_ITS_WAY
    is_used_up = _is_used_up(row, [mail for mail in earlier if mail.budget == row.budget], now=now)
    return DropReason.TOO_MANY if is_used_up else None


def _is_on_its_way(row: OutgoingMail, earlier: list[OutgoingMail], *, now: datetime) -> bool:
    # A link belongs to one account or registration. Another one with the same recipient needs its own.
    recent = _started_after(now - DUPLICATE_INTERVAL, earlier)
    same = [mail.pk for mail in recent if _kind_and_owner(mail) == _kind_and_owner(row) and not mail.dropped_at]
    return bool(same) and mailed_tokens.is_any_usable(mail_ids=same, now=now)


def _kind_and_owner(mail: OutgoingMail) -> tuple[str, UUID | None, UUID | None]:
    return mail.kind, mail.user_id, mail.registration_id


def _is_used_up(row: OutgoingMail, earlier: list[OutgoingMail], *, now: datetime) -> bool:
    allowance = ALLOWANCES[row.budget]
    of_kind = [mail for mail in earlier if mail.kind == row.kind]
    if row.budget in _TELLING and not of_kind:
        return False
    return (
        len(_started_after(now - HOUR, of_kind)) >= allowance.per_kind_and_hour
        or len(_started_after(now - HOUR, earlier)) >= allowance.per_hour
        or len(earlier) >= allowance.per_day
    )


def _started_after(moment: datetime, mails: list[OutgoingMail]) -> list[OutgoingMail]:
    return [mail for mail in mails if mail.started_at and mail.started_at > moment]
