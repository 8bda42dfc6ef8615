"""Give somebody whose address is on hold one that is theirs, on behalf of an operator."""

from datetime import datetime

from django.db import IntegrityError, transaction
from django.db.models import F
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from accounts import event_types
from accounts.errors import DetailsInvalid, EmailTaken, NotFound
from accounts.identifiers import HELD, fold_email, parse_email
from accounts.models import User
from accounts.services.mailing import mail_queue
from accounts.types import FieldProblem
from security_events.services import recording
from tokens.users import subject_of


def release(*, user: User, email: str, is_trial: bool = False, reason: str = "", now: datetime | None = None) -> str:
    """End the hold with this address, which may be the same one, and return its spelling.

    It is not confirmed until its owner follows the link that is mailed there: an operator may be told anything.

    Raises: DetailsInvalid, EmailTaken, NotFound when the address is not on hold.
    """
    address = parse_email(email)
    if address is None:
        raise DetailsInvalid([FieldProblem("email", "email_invalid", _("This is not an e-mail address."))])
    try:
        with transaction.atomic():
            at = now or timezone.now()
            changed = User.objects.filter(pk=user.pk, email_folded__startswith=HELD).update(
                email=address,
                email_folded=fold_email(address),
                email_confirmed_at=None,
                version=F("version") + 1,
                updated_at=at,
            )
            if not changed:
                raise NotFound(user_id=user.pk)
            recording.record(
                event_types.EMAIL_CHANGED,
                target=subject_of(user),
                data={"from": user.email, "to": address, "note": reason},
                now=now,
            )
            mail_queue.enqueue(user_id=user.pk, kind=mail_queue.Kind.CONFIRM_EMAIL, now=now)
            transaction.set_rollback(is_trial)
    except IntegrityError as error:
        raise EmailTaken from error
    return address
