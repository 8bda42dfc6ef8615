"""Issue, check, redeem and withdraw the tokens of mailed links.

A token is bound to what it was issued for: the confirmation to the address of the account, the reset and the change to
the password hash and the address. It becomes invalid when one of these changes. The report of a takeover and the stop
of a reset are only bound to the address that their mail went to, because they must stay valid whatever an intruder
changes.

Locks are taken in one order, first the account's row and then the tokens' rows, so that two transactions can't
deadlock.
"""

from collections.abc import Collection
from datetime import datetime, timedelta
from hashlib import sha256
from uuid import UUID

from django.db.models import F, QuerySet

from accounts import event_types
from accounts.client_tokens import link_tokens
from accounts.conf import account_settings
from accounts.errors import MailedTokenInvalid
from accounts.models import MailedToken, MailedTokenPurpose, PendingRegistration, User
from accounts.models.mailing import MAX_PASSWORD_ATTEMPTS, MailedTokenRecord
from cedrina_base.signed_tokens import token_digest
from security_events.services import deduplication
from security_events.types import NO_SUBJECT
from tokens.users import subject_of

DISOWN_TTL = timedelta(days=7)
# A new token of these makes the earlier ones of the account invalid: only the person or an operator can cause it.
_REPLACING = (MailedTokenPurpose.CHANGE_EMAIL, MailedTokenPurpose.INVITATION)


def issue(
    *,
    mail_id: UUID,
    user: User,
    purpose: MailedTokenPurpose,
    address: str,
    now: datetime,
    occurred_at: datetime | None = None,
) -> str | None:
    """Return the token for a mail, valid from ``now`` on.

    Each attempt to send a mail gets the same token, and its lifetime starts again. ``None`` if that token was used or
    withdrawn meanwhile. The caller has locked the account's row, or creates it in the same transaction.

    A new change of address withdraws the tokens of earlier changes. Resets and confirmations can be requested by
    anybody for any address, so a new token leaves the earlier ones valid. A redeemed reset makes all others invalid,
    because they are bound to the password.

    ``occurred_at``: when the event of the mail happened. It orders the tokens of one account.
    """
    token = link_tokens.mint(purpose=purpose, mail_id=mail_id)
    values = {"digest": token_digest(token), "expires_at": now + lifetime(purpose=purpose)}
    stored = MailedToken.objects.filter(pk=mail_id)
    is_stored = stored.exists()
    if is_stored and not stored.filter(used_at__isnull=True).update(**values):
        return None
    if not is_stored:
        MailedToken.objects.create(
            pk=mail_id,
            user=user,
            purpose=purpose,
            address=address,
            created_at=occurred_at or now,
            bound_to=_binding(user=user, purpose=purpose, address=address),
            **values,
        )
    if purpose in _REPLACING:
        withdraw(user_id=user.pk, purposes=[purpose], keep=mail_id, now=now)
    return token


def lifetime(*, purpose: MailedTokenPurpose) -> timedelta:
    """Return how long tokens of a purpose are valid."""
    if purpose is MailedTokenPurpose.RESET_PASSWORD:
        return account_settings.PASSWORD_RESET_TTL
    if purpose is MailedTokenPurpose.STOP_RESET:  # the reset is withdrawn or carried out before that
        return account_settings.SECOND_FACTOR_RESET_WAIT + DISOWN_TTL
    if purpose is MailedTokenPurpose.INVITATION:
        return account_settings.INVITATION_TTL
    return DISOWN_TTL if purpose is MailedTokenPurpose.DISOWN else account_settings.EMAIL_CONFIRMATION_TTL


def parse(*, presented: str, purposes: tuple[MailedTokenPurpose, ...]) -> link_tokens.LinkToken:
    """Return the content of a token with a valid signature and one of these purposes, without a query.

    Raises: MailedTokenInvalid.
    """
    link = link_tokens.parse(presented)
    if link is None or link.purpose not in purposes:
        raise MailedTokenInvalid
    return link


def is_usable(*, presented: str, purposes: tuple[MailedTokenPurpose, ...], now: datetime) -> bool:
    """Return whether a token can be redeemed now. Nothing is written, because mail scanners follow every link."""
    link = link_tokens.parse(presented)
    return link is not None and link.purpose in purposes and MailedToken.objects.find_usable(link, now=now) is not None


def username(*, presented: str) -> str:
    """Return the username of the account or registration that a mailed link is for; empty if there is none.

    For password managers: a page without the name stores a password that belongs to nobody. The mail has the name, too.
    """
    link = link_tokens.parse(presented)
    if link is None:
        return ""
    if link.purpose is MailedTokenPurpose.OPEN_ACCOUNT:
        registration = PendingRegistration.objects.filter(pk=link.mail_id).first()
        return registration.username if registration else ""
    token = MailedToken.objects.filter(pk=link.mail_id).select_related("user").first()
    return token.user.username if token else ""


def look_up(*, link: link_tokens.LinkToken, now: datetime) -> MailedTokenRecord:
    """Return the record of a token that can be redeemed now.

    Raises: MailedTokenInvalid.
    """
    found = MailedToken.objects.find_usable(link, now=now)
    if found is None:
        raise record_rejection(link=link, now=now)
    return found


def charge_password_attempt(*, link: link_tokens.LinkToken, now: datetime) -> MailedTokenRecord:
    """Count a password for a token before the password is checked, and return the token's record.

    It is counted first, so that concurrent requests can't check more passwords than the limit. An accepted password
    needs no refund: ``redeem`` uses the token up and ignores the count.

    Raises: MailedTokenInvalid.
    """
    found = MailedToken.objects.charge_password_attempt(link, now=now)
    if found is None:
        raise record_rejection(link=link, now=now)
    return found


def refund_password_attempt(*, link: link_tokens.LinkToken) -> None:
    """Give back what ``charge_password_attempt`` counted, because the password was not checked."""
    rows = MailedToken.objects.filter(pk=link.mail_id, rejected_passwords__gt=0)
    rows.update(rejected_passwords=F("rejected_passwords") - 1)


def redeem(*, link: link_tokens.LinkToken, now: datetime) -> MailedTokenRecord | None:
    """Use up a token in the caller's transaction and lock its account; ``None`` if it is not valid any more.

    One statement decides, so that only one of several concurrent attempts succeeds.
    """
    return MailedToken.objects.redeem(link, now=now)


def record_rejection(*, link: link_tokens.LinkToken, now: datetime) -> MailedTokenInvalid:
    """Record that a token with a valid signature was used, withdrawn or expired; return the error to raise."""
    user = User.objects.filter(pk__in=MailedToken.objects.filter(pk=link.mail_id).values("user_id")).first()
    deduplication.record(
        event_types.MAILED_TOKEN_REFUSED,
        target=subject_of(user) if user else NO_SUBJECT,
        data={"purpose": str(link.purpose)},
        now=now,
    )
    return MailedTokenInvalid()


def withdraw(
    *,
    user_id: UUID,
    purposes: list[MailedTokenPurpose],
    now: datetime,
    keep: UUID | None = None,
    since: datetime | None = None,
) -> int:
    """Make the tokens of an account with these purposes invalid; return how many.

    ``keep``: the one token that stays valid. ``since``: only tokens of events at or after this time.
    """
    rows = MailedToken.objects.filter(user_id=user_id, purpose__in=purposes, used_at__isnull=True)
    if keep is not None:
        rows = rows.exclude(pk=keep)
    if since is not None:
        rows = rows.filter(created_at__gte=since)
    return rows.update(used_at=now)


def is_any_usable(*, mail_ids: Collection[UUID], now: datetime) -> bool:
    """Return whether at least one of these mails has a link that can be redeemed now, or no link at all."""
    tokens = {token.pk: token for token in MailedToken.objects.filter(pk__in=mail_ids).select_related("user")}
    return any(mail_id not in tokens or _is_valid(tokens[mail_id], now=now) for mail_id in mail_ids)


def used_tokens(*, user_id: UUID) -> QuerySet[MailedToken]:
    """Return the tokens of an account that were used or withdrawn."""
    return MailedToken.objects.filter(user_id=user_id, used_at__isnull=False)


def _is_valid(token: MailedToken, *, now: datetime) -> bool:
    bound_to = _binding(user=token.user, purpose=MailedTokenPurpose(token.purpose), address=token.address)
    is_unused = token.used_at is None and token.rejected_passwords < MAX_PASSWORD_ATTEMPTS
    return is_unused and token.expires_at > now and bytes(token.bound_to) == bound_to


def _binding(*, user: User, purpose: MailedTokenPurpose, address: str) -> bytes:
    """Return the digest that the statements of ``MailedTokenManager`` compare with the account as it is then."""
    if purpose is MailedTokenPurpose.CONFIRM_EMAIL:
        text = user.email_folded
    elif purpose in (MailedTokenPurpose.DISOWN, MailedTokenPurpose.STOP_RESET):
        text = address
    else:
        text = f"{user.password}\n{user.email_folded}"
    return sha256(text.encode()).digest()
