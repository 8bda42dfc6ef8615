"""How much mail one address gets, over all kinds of mail and whoever causes it.

Budgets belong to the recipient, the address as addresses are compared, and are counted when a worker takes a mail up.
What strangers can cause has a budget of its own, so that it uses up neither what the owner asks for on a known device
nor the notices that tell the owner of an attack.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from types import MappingProxyType
from uuid import UUID

from django.db import connection

from accounts.models import MailBudget, OutgoingMail
from accounts.services.mailing import mailed_tokens

HOUR, DAY = timedelta(hours=1), timedelta(days=1)
# A link that was mailed less than this ago is on its way: another mail would only bring another link.
ON_ITS_WAY = timedelta(minutes=1)

_LOCK = "SELECT pg_advisory_xact_lock(hashtextextended('accounts.mail_budgets ' || %s, 0))"


@dataclass(frozen=True, slots=True)
class Allowance:
    """How many mails of one budget an address gets: of one kind in an hour, of all kinds in an hour and in a day."""

    of_a_kind: int
    in_an_hour: int
    in_a_day: int


ALLOWANCES: Mapping[str, Allowance] = MappingProxyType(
    {
        MailBudget.ANYBODY: Allowance(of_a_kind=3, in_an_hour=6, in_a_day=20),
        MailBudget.KNOWN_DEVICE: Allowance(of_a_kind=3, in_an_hour=6, in_a_day=20),
        MailBudget.NOTICE: Allowance(of_a_kind=10, in_an_hour=30, in_a_day=100),
    }
)


def refusal(*, row: OutgoingMail, at: datetime) -> str:
    """Say why an address gets no further mail now, ``too_many`` or ``on_its_way``; empty when it gets it.

    In the caller's transaction: until it ends, no other worker decides about the same recipient. The first notice of
    each kind in a day is always sent, so that whoever causes many notices of one kind can't hide another kind.
    """
    with connection.cursor() as cursor:
        cursor.execute(_LOCK, [row.recipient])
    rows = OutgoingMail.objects.filter(recipient=row.recipient, started_at__gt=at - DAY).exclude(pk=row.pk)
    earlier = list(rows.only("kind", "user", "registration", "budget", "started_at", "dropped_at"))
    if row.budget != MailBudget.NOTICE and _is_on_its_way(row, earlier, at=at):
        return "on_its_way"
    return "too_many" if _is_used_up(row, [mail for mail in earlier if mail.budget == row.budget], at=at) else ""


def _is_on_its_way(row: OutgoingMail, earlier: list[OutgoingMail], *, at: datetime) -> bool:
    # A link is good for one account or registration alone: another one with the same recipient needs its own.
    recent = [mail.pk for mail in _since(at - ON_ITS_WAY, earlier) if _what(mail) == _what(row) and not mail.dropped_at]
    return bool(recent) and mailed_tokens.is_any_good(mail_ids=recent, at=at)


def _what(mail: OutgoingMail) -> tuple[str, UUID | None, UUID | None]:
    return mail.kind, mail.user_id, mail.registration_id


def _is_used_up(row: OutgoingMail, earlier: list[OutgoingMail], *, at: datetime) -> bool:
    allowance = ALLOWANCES[row.budget]
    of_the_kind = [mail for mail in earlier if mail.kind == row.kind]
    if row.budget == MailBudget.NOTICE and not of_the_kind:
        return False
    return (
        len(_since(at - HOUR, of_the_kind)) >= allowance.of_a_kind
        or len(_since(at - HOUR, earlier)) >= allowance.in_an_hour
        or len(earlier) >= allowance.in_a_day
    )


def _since(moment: datetime, mails: list[OutgoingMail]) -> list[OutgoingMail]:
    return [mail for mail in mails if mail.started_at and mail.started_at > moment]
