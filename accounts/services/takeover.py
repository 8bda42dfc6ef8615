"""Give an account back to whoever says, by the link of a notice, that somebody else acted in their name."""

from dataclasses import dataclass
from datetime import datetime

from django.contrib.auth.hashers import make_password
from django.db import IntegrityError, transaction
from django.db.models import F
from django.utils import timezone

from accounts.identifiers import fold_email
from accounts.models import Purpose, User
from accounts.services import delivery, mail, mailed_tokens, passwords
from security_events.catalogue import EventType
from security_events.services import recording
from tokens.models import EndReason
from tokens.services import revocation
from tokens.users import subject_of

# All that an intruder may have asked for.
_PENDING = [Purpose.CONFIRM_EMAIL, Purpose.CHANGE_EMAIL, Purpose.RESET_PASSWORD]


@dataclass(frozen=True, slots=True)
class Report:
    """What came of it: whether the account has the address of the notice, so that a reset link is on its way."""

    is_restored: bool


def report(*, token: str, now: datetime | None = None) -> Report:
    """Redeem the link of a notice: lock everybody out and let the owner of the notice's address back in.

    All sessions end, the password becomes unusable, a deletion is undone, pending links die, the address becomes the
    one that the notice went to, and a link to a new password is mailed there. Of several such links the older one is
    stronger: it ends the later ones, which may have gone to an intruder's address, and keeps those from being sent that
    still wait; they don't end it.

    Where somebody else has the former address by now, the account is closed for an administrator to look at: any link
    that we could mail would go to the intruder.

    Raises: MailedTokenInvalid.
    """
    link = mailed_tokens.parse(presented=token, purposes=(Purpose.DISOWN,))
    with transaction.atomic():
        redeemed = mailed_tokens.redeem(link=link, now=now)
        if redeemed is not None:
            user = User.objects.get(pk=redeemed.user_id)
            mailed_tokens.withdraw(user_id=user.pk, purposes=_PENDING, now=now)
            mailed_tokens.withdraw(user_id=user.pk, purposes=[Purpose.DISOWN], since=redeemed.created_at, now=now)
            delivery.withdraw(user=user, since=redeemed.created_at, now=now)
            return _give_back(user=user, address=redeemed.address, now=now)
    raise mailed_tokens.refused(link=link, now=now)


def _give_back(*, user: User, address: str, now: datetime | None) -> Report:
    intruders_address = user.email
    is_restored = _restore(user=user, address=address, now=now)
    ended = revocation.end_sessions(user_id=user.pk, reason=EndReason.TAKEOVER_REPORTED, now=now)
    recording.record(
        EventType.ACCOUNT_TAKEOVER_REPORTED, actor=subject_of(user), target=subject_of(user),
        data={"ended_sessions": ended, "is_restored": is_restored}, now=now,
    )  # fmt: skip
    if not is_restored:
        return Report(is_restored=False)
    if fold_email(address) != fold_email(intruders_address):
        recording.record(
            EventType.EMAIL_RESTORED, actor=subject_of(user), target=subject_of(user),
            data={"from": intruders_address, "to": address}, now=now,
        )  # fmt: skip
        mail.enqueue(user_id=user.pk, kind=mail.Kind.EMAIL_RESTORED, address=intruders_address, now=now)
    mail.enqueue(user_id=user.pk, kind=mail.Kind.PASSWORD_SWITCHED_OFF, now=now)
    return Report(is_restored=True)


def _restore(*, user: User, address: str, now: datetime | None) -> bool:
    at = now or timezone.now()
    passwords.remember(user=user, digest=user.password, now=now)
    row = User.objects.filter(pk=user.pk)
    always = {"password": make_password(None), "version": F("version") + 1, "updated_at": at}
    try:
        with transaction.atomic():
            row.update(
                **always, email=address, email_folded=fold_email(address), email_confirmed_at=at, deleted_at=None
            )
    except IntegrityError:
        row.update(**always, is_active=False)
        return False
    return True
