"""Replace an address that is on hold, on behalf of an operator."""

from datetime import datetime

from django.db import IntegrityError, transaction
from django.db.models import F
from django.utils.translation import gettext_lazy as _

from accounts import event_types
from accounts.errors import DetailsInvalid, EmailTaken, NotFound
from accounts.identifiers.names import HELD_PREFIX, fold_email, parse_email
from accounts.models import User
from accounts.services.mailing import mail_queue
from accounts.types import FieldProblem
from security_events.services import recording
from tokens.users import subject_of


def release(*, user: User, email: str, now: datetime, is_trial: bool = False, reason: str = "") -> str:
    """Give an account whose address is on hold this address, which may be the same; return it as it is stored.

    It counts as unconfirmed until its owner follows the link that is mailed there, because an operator can't verify it.
    A trial rolls everything back.

    Raises: DetailsInvalid, EmailTaken, NotFound when the address is not on hold.
    """
    address = parse_email(email)
    if address is None:
        raise DetailsInvalid([FieldProblem("email", "email_invalid", _("This is not an e-mail address."))])
    try:
        with transaction.atomic():
            changed = User.objects.filter(pk=user.pk, email_folded__startswith=HELD_PREFIX).update(
                email=address,
                email_folded=fold_email(address),
                email_confirmed_at=None,
                version=F("version") + 1,
                updated_at=now,
            )
            if not changed:
                raise NotFound(user_id=user.pk)
            recording.record(
                event_types.EMAIL_CHANGED,
                target=subject_of(user),
                data={"from": user.email, "to": address, "note": reason},
                now=now,
            )
            mail_queue.enqueue(user_id=user.pk, kind=mail_queue.MailKind.CONFIRM_EMAIL, now=now)
            transaction.set_rollback(is_trial)
    except IntegrityError as error:
        raise EmailTaken from error
    return address
