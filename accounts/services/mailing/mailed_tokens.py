"""Issue, look at, redeem and withdraw the tokens of mailed links.

A token is bound to what it was made for: the confirmation to the address, the reset and the change to the password hash
and the address, so that all of them die with what they are about. The report of a takeover is bound to the address that
it went to alone, for it has to outlive whatever the intruder changes.

Locks are taken in one order, the person's row before the tokens', so that no two of these can deadlock.
"""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime, timedelta
from hashlib import sha256
from uuid import UUID

from django.db import connection
from django.db.models import F, QuerySet
from django.utils import timezone

from accounts import event_types, link_tokens
from accounts.conf import account_settings
from accounts.errors import MailedTokenInvalid
from accounts.models import MailedToken, Purpose, User
from cedrina_base.signed_tokens import token_digest
from security_events.services import deduplication
from security_events.types import NO_SUBJECT
from tokens.users import subject_of

DISOWN_TTL = timedelta(days=7)
# Each password that is tried is compared with the former ones, at one hash each; so a token is good for a few only.
MOST_REJECTED_PASSWORDS = 5

# What a token of each purpose is bound to, as the account ``u`` and the token ``t`` are now.
_ACCOUNT = "convert_to(u.password || chr(10) || u.email_folded, 'UTF8')"
_BOUND_TO = {
    Purpose.CONFIRM_EMAIL: "convert_to(u.email_folded, 'UTF8')",
    Purpose.RESET_PASSWORD: _ACCOUNT,
    Purpose.CHANGE_EMAIL: _ACCOUNT,
    Purpose.DISOWN: "convert_to(t.address, 'UTF8')",
}
# A deleted account can be reported, since an intruder may have deleted it; nothing else can be done with it.
_STANDING = dict.fromkeys(_BOUND_TO, "u.is_active AND u.deleted_at IS NULL") | {Purpose.DISOWN: "u.is_active"}

_ALIVE = """
    t.id = %(id)s AND t.purpose = %(purpose)s AND t.digest = %(digest)s AND t.used_at IS NULL AND t.expires_at > {now}
"""
_NOW = "COALESCE(%(now)s::timestamptz, statement_timestamp())"

_PEEK = """
SELECT t.user_id, t.address, t.created_at FROM accounts_mailedtoken t JOIN accounts_user u ON u.id = t.user_id
WHERE {alive} AND {standing} AND t.bound_to = sha256({bound_to}) AND t.rejected_passwords < %(most)s
"""
_COUNT_TRY = """
UPDATE accounts_mailedtoken t SET rejected_passwords = t.rejected_passwords + 1 FROM accounts_user u
WHERE u.id = t.user_id AND {alive} AND {standing} AND t.bound_to = sha256({bound_to})
AND t.rejected_passwords < %(most)s
RETURNING t.user_id, t.address, t.created_at
"""

# The person's row is locked and judged as it is then; of simultaneous redemptions one updates the token.
_REDEEM = """
WITH owner AS (
    SELECT u.id FROM accounts_user u JOIN accounts_mailedtoken t ON t.user_id = u.id
    WHERE t.id = %(id)s AND {standing} AND t.bound_to = sha256({bound_to})
    FOR NO KEY UPDATE OF u
)
UPDATE accounts_mailedtoken t SET used_at = {now} FROM owner WHERE t.user_id = owner.id AND {alive}
RETURNING t.user_id, t.address, t.created_at
"""


@dataclass(frozen=True, slots=True)
class Redeemed:
    """What a token stood for."""

    user_id: UUID
    address: str
    created_at: datetime


def issue(
    *,
    mail_id: UUID,
    user: User,
    purpose: Purpose,
    address: str,
    occurred_at: datetime | None = None,
    now: datetime | None = None,
) -> str | None:
    """Return the token for a mail, in force from now.

    Of two changes of address the later one counts, so its token ends the earlier one. Anybody can ask for a reset or a
    confirmation: a further mail leaves the link good that is on its way. Using a reset ends all others, since they are
    bound to the password.

    ``occurred_at`` is when that happened which the mail tells of: by it tokens are earlier and later than others.

    For a mail that was tried before it is the same token, which lives anew from this attempt on; ``None`` when that was
    used or withdrawn meanwhile. To be called with the person's row locked, or in the transaction that creates it.
    """
    at = now or timezone.now()
    token = link_tokens.mint(purpose=purpose, mail_id=mail_id)
    row = {"digest": token_digest(token), "expires_at": at + lifetime(purpose=purpose)}
    known = MailedToken.objects.filter(pk=mail_id)
    is_known = known.exists()
    if is_known and not known.filter(used_at__isnull=True).update(**row):
        return None
    if not is_known:
        MailedToken.objects.create(
            pk=mail_id,
            user=user,
            purpose=purpose,
            address=address,
            created_at=occurred_at or at,
            bound_to=_binding(user=user, purpose=purpose, address=address),
            **row,
        )
    if purpose is Purpose.CHANGE_EMAIL:
        withdraw(user_id=user.pk, purposes=[purpose], keep=mail_id, now=at)
    return token


def lifetime(*, purpose: Purpose) -> timedelta:
    """Return how long tokens of a purpose are good for."""
    if purpose is Purpose.RESET_PASSWORD:
        return account_settings.PASSWORD_RESET_TTL
    return DISOWN_TTL if purpose is Purpose.DISOWN else account_settings.EMAIL_CONFIRMATION_TTL


def parse(*, presented: str, purposes: tuple[Purpose, ...]) -> link_tokens.Link:
    """Return what a genuine token for one of these purposes says, without asking the database.

    Raises: MailedTokenInvalid.
    """
    link = link_tokens.parse(presented)
    if link is None or link.purpose not in purposes:
        raise MailedTokenInvalid
    return link


def is_usable(*, presented: str, purposes: tuple[Purpose, ...], now: datetime | None = None) -> bool:
    """Whether a token could be redeemed now; asking leaves no trace, for scanners of mail follow every link."""
    link = link_tokens.parse(presented)
    return link is not None and link.purpose in purposes and _run(_PEEK, link=link, now=now) is not None


def peek(*, link: link_tokens.Link, now: datetime | None = None) -> Redeemed:
    """Return what a token stands for that could be redeemed now, and leave it as it is.

    Raises: MailedTokenInvalid.
    """
    found = _run(_PEEK, link=link, now=now)
    if found is None:
        raise refused(link=link, now=now)
    return found


def count_password(*, link: link_tokens.Link, now: datetime | None = None) -> Redeemed:
    """Count a password as rejected before it is judged, and return what the token stands for.

    So of any number of simultaneous passwords no more are judged than may be. The token of one that is taken is used up
    by ``redeem``, whatever was counted.

    Raises: MailedTokenInvalid.
    """
    found = _run(_COUNT_TRY, link=link, now=now)
    if found is None:
        raise refused(link=link, now=now)
    return found


def uncount_password(*, link: link_tokens.Link) -> None:
    """Give back what ``count_password`` counted, because the password was not judged."""
    rows = MailedToken.objects.filter(pk=link.mail_id, rejected_passwords__gt=0)
    rows.update(rejected_passwords=F("rejected_passwords") - 1)


def redeem(*, link: link_tokens.Link, now: datetime | None = None) -> Redeemed | None:
    """Use a token up, in the caller's transaction, and lock its owner; ``None`` when it is not good any more.

    One statement decides, so that of simultaneous attempts one succeeds.
    """
    return _run(_REDEEM, link=link, now=now)


def refused(*, link: link_tokens.Link, now: datetime | None = None) -> MailedTokenInvalid:
    """Record that a genuine token came too late, and return what to raise after it."""
    user = User.objects.filter(pk__in=MailedToken.objects.filter(pk=link.mail_id).values("user_id")).first()
    deduplication.record(
        event_types.MAILED_TOKEN_REFUSED,
        target=subject_of(user) if user else NO_SUBJECT,
        data={"purpose": str(link.purpose)},
        now=now or timezone.now(),
    )
    return MailedTokenInvalid()


def withdraw(
    *,
    user_id: UUID,
    purposes: list[Purpose],
    keep: UUID | None = None,
    since: datetime | None = None,
    now: datetime | None = None,
) -> int:
    """Make a person's tokens of these purposes invalid, but perhaps one, or only the later ones; return how many."""
    rows = MailedToken.objects.filter(user_id=user_id, purpose__in=purposes, used_at__isnull=True)
    if keep is not None:
        rows = rows.exclude(pk=keep)
    if since is not None:
        rows = rows.filter(created_at__gte=since)
    return rows.update(used_at=now or timezone.now())


def is_any_good(*, mail_ids: Collection[UUID], at: datetime) -> bool:
    """Tell whether one of these mails is still of use: its link can be redeemed, or it has none."""
    tokens = {token.pk: token for token in MailedToken.objects.filter(pk__in=mail_ids).select_related("user")}
    return any(mail_id not in tokens or _is_good(tokens[mail_id], at=at) for mail_id in mail_ids)


def _is_good(token: MailedToken, *, at: datetime) -> bool:
    bound_to = _binding(user=token.user, purpose=Purpose(token.purpose), address=token.address)
    is_left = token.used_at is None and token.rejected_passwords < MOST_REJECTED_PASSWORDS
    return is_left and token.expires_at > at and bytes(token.bound_to) == bound_to


def _binding(*, user: User, purpose: Purpose, address: str) -> bytes:
    if purpose is Purpose.CONFIRM_EMAIL:
        text = user.email_folded
    elif purpose is Purpose.DISOWN:
        text = address
    else:
        text = f"{user.password}\n{user.email_folded}"
    return sha256(text.encode()).digest()


def _run(template: str, *, link: link_tokens.Link, now: datetime | None) -> Redeemed | None:
    sql = template.format(
        alive=_ALIVE.format(now=_NOW), now=_NOW, standing=_STANDING[link.purpose], bound_to=_BOUND_TO[link.purpose]
    )
    with connection.cursor() as cursor:
        cursor.execute(
            sql,
            {
                "id": link.mail_id,
                "purpose": str(link.purpose),
                "digest": link.digest,
                "now": now,
                "most": MOST_REJECTED_PASSWORDS,
            },
        )
        row = cursor.fetchone()
    return Redeemed(*row) if row else None


def used(*, user_id: UUID) -> QuerySet[MailedToken]:
    """Return the tokens of a person that were used or withdrawn."""
    return MailedToken.objects.filter(user_id=user_id, used_at__isnull=False)
