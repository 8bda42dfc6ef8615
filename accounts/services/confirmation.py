"""Note that an address belongs to the person who gave it: the first one of an account, or a new one."""

from datetime import datetime
from enum import StrEnum

from django.db import IntegrityError, transaction
from django.db.models import F
from django.utils import timezone

from accounts.errors import EmailTaken
from accounts.identifiers import fold_email
from accounts.models import Purpose, User
from accounts.services import mail, mailed_tokens
from security_events.catalogue import EventType
from security_events.services import recording
from tokens.users import subject_of

PURPOSES = (Purpose.CONFIRM_EMAIL, Purpose.CHANGE_EMAIL)


class Outcome(StrEnum):
    """What a confirmation came to."""

    CONFIRMED = "confirmed"
    CHANGED = "changed"


def confirm(*, token: str, now: datetime | None = None) -> Outcome:
    """Redeem the token of a mailed link: confirm the address, or change to it.

    Changing keeps the sessions: nobody who could not do so before can sign in after it. The former address gets a
    notice by which its owner can take everything back. The unique index decides whether a new address is still free.

    Raises: MailedTokenInvalid, EmailTaken.
    """
    link = mailed_tokens.parse(presented=token, purposes=PURPOSES)
    with transaction.atomic():
        redeemed = mailed_tokens.redeem(link=link, now=now)
        if redeemed is not None:
            user = User.objects.get(pk=redeemed.user_id)
            if link.purpose is Purpose.CONFIRM_EMAIL:
                mark_confirmed(user=user, now=now)
                return Outcome.CONFIRMED
            _change(user=user, address=redeemed.address, now=now)
            return Outcome.CHANGED
    raise mailed_tokens.refused(link=link, now=now)


def mark_confirmed(*, user: User, now: datetime | None = None) -> bool:
    """Note that somebody reads the mail of their address, in the caller's transaction; ``False`` if that was known."""
    at = now or timezone.now()
    changed = User.objects.filter(pk=user.pk, email_folded=user.email_folded, email_confirmed_at__isnull=True).update(
        email_confirmed_at=at, version=F("version") + 1, updated_at=at
    )
    if changed:
        recording.record(EventType.EMAIL_CONFIRMED, actor=subject_of(user), target=subject_of(user), now=now)
    return changed == 1


def _change(*, user: User, address: str, now: datetime | None) -> None:
    at = now or timezone.now()
    # Before the address changes: this notice goes to the former one.
    mail.enqueue(user_id=user.pk, kind=mail.Kind.EMAIL_CHANGED, address=user.email, now=at)
    try:
        with transaction.atomic():
            User.objects.filter(pk=user.pk).update(
                email=address, email_folded=fold_email(address), email_confirmed_at=at, version=F("version") + 1,
                updated_at=at,
            )  # fmt: skip
    except IntegrityError as error:
        raise EmailTaken from error
    recording.record(
        EventType.EMAIL_CHANGED, actor=subject_of(user), target=subject_of(user),
        data={"from": user.email, "to": address}, now=now,
    )  # fmt: skip
