"""Give an account back to whoever says, by the link of a notice, that somebody else acted in their name."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.db import IntegrityError, transaction

from accounts import event_types
from accounts.identifiers import fold_email
from accounts.models import MailedTokenPurpose, User
from accounts.models.mailing import MailedTokenRecord
from accounts.rules.address_proofs import AddressProof
from accounts.services.addresses import address_proofs
from accounts.services.addresses.address_proofs import AppliedProof
from accounts.services.mailing import delivery, mail_queue, mailed_tokens
from security_events.services import recording
from tokens.users import subject_of

# What a notice tells of is dated a little earlier than the notice, as long as a provider was waited for at the most,
# and perhaps by another server's clock.
_SKEW = timedelta(minutes=2)
# All that an intruder may have asked for.
_PENDING = [MailedTokenPurpose.CONFIRM_EMAIL, MailedTokenPurpose.CHANGE_EMAIL, MailedTokenPurpose.RESET_PASSWORD]


@dataclass(frozen=True, slots=True)
class Report:
    """What came of it: whether the account has the address of the notice, so that a reset link is on its way."""

    is_restored: bool


def report(*, token: str, now: datetime) -> Report:
    """Redeem the link of a notice: lock everybody out and let the owner of the notice's address back in.

    All sessions end, the password becomes unusable, a deletion is undone, pending links die, the address becomes the
    one that the notice went to, and a link to a new password is mailed there. Second factors, passkeys and accounts of
    providers that were added since then go, for the intruder may have added them; the earlier ones stay, for a mailbox
    alone must not strip their owner of them. Since when, see ``_moment``. Where nobody has proved the address before,
    none of them stay, see ``accounts.rules.address_proofs``.

    Of several such links the older one is
    stronger: it ends the later ones, which may have gone to an intruder's address, and keeps those from being sent that
    still wait; they don't end it.

    Where somebody else has the former address by now, the account is closed for an administrator to look at: any link
    that we could mail would go to the intruder.

    Raises: MailedTokenInvalid.
    """
    link = mailed_tokens.parse(presented=token, purposes=(MailedTokenPurpose.DISOWN,))
    with transaction.atomic():
        redeemed = mailed_tokens.redeem(link=link, now=now)
        if redeemed is not None:
            user = User.objects.get(pk=redeemed.user_id)
            moment = _moment(redeemed, now=now)
            mailed_tokens.withdraw(user_id=user.pk, purposes=_PENDING, now=now)
            mailed_tokens.withdraw(
                user_id=user.pk, purposes=[MailedTokenPurpose.DISOWN], since=redeemed.created_at, now=now
            )
            delivery.withdraw(user=user, since=redeemed.created_at, now=now)
            return _give_back(user=user, address=redeemed.address, moment=moment, now=now)
    raise mailed_tokens.record_rejection(link=link, now=now)


def is_usable(*, token: str, now: datetime) -> bool:
    """Return whether a takeover can be reported with a token now. Nothing is written."""
    return mailed_tokens.is_usable(presented=token, purposes=(MailedTokenPurpose.DISOWN,), now=now)


def _moment(redeemed: MailedTokenRecord, *, now: datetime) -> datetime:
    """Return since when not the owner may have been acting: the oldest notice that could still be reported.

    People overlook the notice of a factor that was added and act on the next one. Whoever holds that could as well
    report the older one, which was mailed to the same address, so that nothing is gained by it; notices to other
    addresses, a link that was used, and what was withdrawn do not count. The price is that somebody who added a factor
    of their own in the week before has to add it again.
    """
    oldest = delivery.oldest_reportable_notice(
        user_id=redeemed.user_id, address=redeemed.address, since=now - mailed_tokens.DISOWN_TTL
    )
    return min(redeemed.created_at, oldest or redeemed.created_at) - _SKEW


def _give_back(*, user: User, address: str, moment: datetime, now: datetime) -> Report:
    intruders_address = user.email
    is_restored, accepted = _restore(user=user, address=address, moment=moment, now=now)
    recording.record(
        event_types.ACCOUNT_TAKEOVER_REPORTED,
        actor=subject_of(user),
        target=subject_of(user),
        data={"is_restored": is_restored, **accepted.counts},
        now=now,
    )
    if not is_restored:
        return Report(is_restored=False)
    if fold_email(address) != fold_email(intruders_address):
        recording.record(
            event_types.EMAIL_RESTORED,
            actor=subject_of(user),
            target=subject_of(user),
            data={"from": intruders_address, "to": address},
            now=now,
        )
        if not user.is_email_held:  # whose that address is, nobody knows
            mail_queue.enqueue(
                user_id=user.pk, kind=mail_queue.MailKind.EMAIL_RESTORED, address=intruders_address, now=now
            )
    mail_queue.enqueue(user_id=user.pk, kind=mail_queue.MailKind.PASSWORD_SWITCHED_OFF, now=now)
    return Report(is_restored=True)


def _restore(*, user: User, address: str, moment: datetime, now: datetime) -> tuple[bool, AppliedProof]:
    restored = {
        "email": address,
        "email_folded": fold_email(address),
        "email_confirmed_at": now,
        "deleted_at": None,
    }
    try:
        with transaction.atomic():
            return True, _accept(user=user, moment=moment, changes=restored, now=now)
    except IntegrityError:
        return False, _accept(user=user, moment=moment, changes={"is_active": False}, now=now)


def _accept(*, user: User, moment: datetime, changes: dict[str, Any], now: datetime) -> AppliedProof:
    return address_proofs.apply_proof(
        user=user, proof=AddressProof.TAKEOVER_REPORT, since=moment, changes=changes, now=now
    )
