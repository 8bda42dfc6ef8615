"""Restore an account whose owner reports, by the link of a notice, that another person has used it."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.db import IntegrityError, transaction

from accounts import event_types
from accounts.identifiers.names import fold_email
from accounts.models import MailedTokenPurpose, User
from accounts.models.mailing import MailedTokenRecord
from accounts.rules.address_proofs import AddressProof
from accounts.services.addresses import address_proofs
from accounts.services.addresses.address_proofs import AppliedProof
from accounts.services.mailing import delivery, mail_queue, mailed_tokens
from security_events.services import recording
from tokens.users import subject_of

# An event is dated before its notice: a request may wait for a provider in between, and servers' clocks differ.
_SKEW = timedelta(minutes=2)
# Links that an intruder may have requested.
_PENDING = [
    MailedTokenPurpose.CONFIRM_EMAIL,
    MailedTokenPurpose.CHANGE_EMAIL,
    MailedTokenPurpose.RESET_PASSWORD,
    MailedTokenPurpose.INVITATION,
]


@dataclass(frozen=True, slots=True)
class TakeoverReport:
    """Whether the account has the address of the notice again, so that a password reset is mailed to it."""

    is_restored: bool


def report(*, token: str, now: datetime) -> TakeoverReport:
    """Redeem the link of a notice: end all access, and give the account back to the owner of the notice's address.

    All sessions end, the password becomes unusable, a deletion is undone and pending links are withdrawn. The account
    gets the address that the notice was sent to, and a link to set a new password is mailed there. Second factors,
    passkeys and provider accounts that were added since the takeover are removed, because the intruder may have added
    them; ``_takeover_time`` says when it may have begun. Earlier ones stay, because access to a mailbox must not be
    enough to remove them. If the address was never proved before, none stay (``accounts.rules.address_proofs``).

    Of several such links the older one is stronger. It withdraws the later ones, sent or not, because they may go to
    the intruder's address; they don't withdraw it.

    If another account has the former address by now, the account is closed and an administrator must decide, because
    any mailed link would go to the intruder.

    Raises: MailedTokenInvalid.
    """
    link = mailed_tokens.parse(presented=token, purposes=(MailedTokenPurpose.DISOWN,))
    with transaction.atomic():
        redeemed = mailed_tokens.redeem(link=link, now=now)
        if redeemed is not None:
            user = User.objects.get(pk=redeemed.user_id)
            since = _takeover_time(redeemed, now=now)
            mailed_tokens.withdraw(user_id=user.pk, purposes=_PENDING, now=now)
            mailed_tokens.withdraw(
                user_id=user.pk, purposes=[MailedTokenPurpose.DISOWN], since=redeemed.created_at, now=now
            )
            delivery.withdraw(user=user, since=redeemed.created_at, now=now)
            return _return_account(user=user, address=redeemed.address, since=since, now=now)
    raise mailed_tokens.record_rejection(link=link, now=now)


def is_usable(*, token: str, now: datetime) -> bool:
    """Return whether a takeover can be reported with a token now. Nothing is written."""
    return mailed_tokens.is_usable(presented=token, purposes=(MailedTokenPurpose.DISOWN,), now=now)


def _takeover_time(redeemed: MailedTokenRecord, *, now: datetime) -> datetime:
    """Return the earliest time of the takeover: that of the oldest notice that could still be reported.

    Users may overlook the notice of an added factor and report the next one. The older notice went to the same address
    and could be reported as well, so this gives an attacker nothing. Notices to other addresses, and links that were
    used or withdrawn, don't count. The cost: owners who added a factor in the week before must add it again.
    """
    oldest = delivery.oldest_reportable_notice(
        user_id=redeemed.user_id, address=redeemed.address, since=now - mailed_tokens.DISOWN_TTL
    )
    return min(redeemed.created_at, oldest or redeemed.created_at) - _SKEW


def _return_account(*, user: User, address: str, since: datetime, now: datetime) -> TakeoverReport:
    intruders_address = user.email
    is_restored, accepted = _restore_address(user=user, address=address, since=since, now=now)
    recording.record(
        event_types.ACCOUNT_TAKEOVER_REPORTED,
        actor=subject_of(user),
        target=subject_of(user),
        data={"is_restored": is_restored, **accepted.counts},
        now=now,
    )
    if not is_restored:
        return TakeoverReport(is_restored=False)
    if fold_email(address) != fold_email(intruders_address):
        recording.record(
            event_types.EMAIL_RESTORED,
            actor=subject_of(user),
            target=subject_of(user),
            data={"from": intruders_address, "to": address},
            now=now,
        )
        if not user.is_email_held:  # the owner of an address on hold is unknown
            mail_queue.enqueue(
                user_id=user.pk, kind=mail_queue.MailKind.EMAIL_RESTORED, address=intruders_address, now=now
            )
    mail_queue.enqueue(user_id=user.pk, kind=mail_queue.MailKind.PASSWORD_SWITCHED_OFF, now=now)
    return TakeoverReport(is_restored=True)


def _restore_address(*, user: User, address: str, since: datetime, now: datetime) -> tuple[bool, AppliedProof]:
    restored = {
        "email": address,
        "email_folded": fold_email(address),
        "email_confirmed_at": now,
        "deleted_at": None,
    }
    try:
        with transaction.atomic():
            return True, _apply_proof(user=user, since=since, changes=restored, now=now)
    except IntegrityError:
        return False, _apply_proof(user=user, since=since, changes={"is_active": False}, now=now)


def _apply_proof(*, user: User, since: datetime, changes: dict[str, Any], now: datetime) -> AppliedProof:
    return address_proofs.apply_proof(
        user=user, proof=AddressProof.TAKEOVER_REPORT, since=since, changes=changes, now=now
    )
