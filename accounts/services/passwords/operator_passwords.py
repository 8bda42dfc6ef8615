"""Set a person's password on behalf of an operator at the command line."""

from datetime import datetime

from django.db import transaction
from django.utils.translation import gettext_lazy as _

from accounts import event_types, selectors
from accounts.conf import account_settings
from accounts.errors import AccountDisabled, DetailsInvalid
from accounts.models import User
from accounts.services.mailing import mail_queue
from accounts.services.passwords import hashing, password_changes
from accounts.types import FieldProblem
from security_events.services import recording
from tokens.end_reasons import ADMINISTRATOR
from tokens.services import revocation
from tokens.users import subject_of


def require_acceptable(*, user: User, password: str) -> None:
    """Apply the same rules as to a password that its owner chooses.

    Raises: DetailsInvalid.
    """
    found = password_changes.password_problems(password=password, user=user)
    if found:
        raise DetailsInvalid(found)
    former = selectors.former_password_digests(user_id=user.pk, count=max(0, account_settings.PASSWORD_HISTORY - 1))
    if account_settings.PASSWORD_HISTORY and hashing.matches_any(password=password, digests=[user.password, *former]):
        raise DetailsInvalid([FieldProblem("password", "password_reused", _("You have used this password before."))])


def change(*, user: User, password: str, reason: str = "", now: datetime) -> int:
    """Set a new password, end all sessions of the person and mail them; return how many sessions ended.

    Raises: DetailsInvalid, HashingBusy, and AccountDisabled when the account is closed or was changed meanwhile.
    """
    require_acceptable(user=user, password=password)
    digest = hashing.compute(password=password)
    with transaction.atomic():
        is_replaced = password_changes.replace_password(
            user=user, checked_digest=user.password, new_digest=digest, now=now
        )
        if is_replaced:
            ended = revocation.end_sessions(user_id=user.pk, reason=ADMINISTRATOR, note=reason, now=now)
            recording.record(
                event_types.PASSWORD_CHANGED,
                target=subject_of(user),
                data={"note": reason, "ended_sessions": ended},
                now=now,
            )
            mail_queue.enqueue(user_id=user.pk, kind=mail_queue.MailKind.PASSWORD_CHANGED, now=now)
    if not is_replaced:
        raise AccountDisabled(reason="closed_or_changed")
    return ended
