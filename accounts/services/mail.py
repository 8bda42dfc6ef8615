"""Write to people. What is to be sent is a job in the transaction of the change that it tells of."""

from collections.abc import Mapping
from datetime import datetime
from enum import StrEnum
from uuid import UUID

from django.conf import settings
from django.core.mail import EmailMultiAlternatives
from django.template.loader import render_to_string
from django.utils import timezone, translation
from django.utils.translation import gettext_lazy as _
from procrastinate.contrib.django import app as jobs
from procrastinate.exceptions import ConnectorException

from accounts import selectors
from accounts.conf import account_settings

SEND_TASK = "accounts.send_mail"


class Kind(StrEnum):
    """What can be said: the names of the templates."""

    REGISTRATION_RECEIVED = "registration_received"
    ADDRESS_ALREADY_REGISTERED = "address_already_registered"
    PASSWORD_CHANGED = "password_changed"  # noqa: S105 - the name of a mail
    SESSION_ENDED_FOR_SAFETY = "session_ended_for_safety"
    NEW_DEVICE = "new_device"
    FACTOR_ADDED = "factor_added"
    FACTOR_REMOVED = "factor_removed"
    RECOVERY_CODE_USED = "recovery_code_used"
    FACTOR_LOCKED = "factor_locked"
    SOCIAL_ACCOUNT_LINKED = "social_account_linked"
    SOCIAL_ACCOUNT_UNLINKED = "social_account_unlinked"
    DELETION_REQUESTED = "deletion_requested"


SUBJECTS = {
    Kind.REGISTRATION_RECEIVED: _("Your registration"),
    Kind.ADDRESS_ALREADY_REGISTERED: _("You already have an account"),
    Kind.PASSWORD_CHANGED: _("Your password was changed"),
    Kind.SESSION_ENDED_FOR_SAFETY: _("A session of yours was ended for safety"),
    Kind.NEW_DEVICE: _("New sign-in to your account"),
    Kind.FACTOR_ADDED: _("A second factor was added"),
    Kind.FACTOR_REMOVED: _("A second factor was removed"),
    Kind.RECOVERY_CODE_USED: _("A recovery code was used"),
    Kind.FACTOR_LOCKED: _("Somebody tried to sign in with your password"),
    Kind.SOCIAL_ACCOUNT_LINKED: _("A way to sign in was added"),
    Kind.SOCIAL_ACCOUNT_UNLINKED: _("A way to sign in was removed"),
    Kind.DELETION_REQUESTED: _("Your account will be deleted"),
}


def enqueue(*, user_id: UUID, kind: Kind, details: Mapping[str, str] | None = None) -> None:
    """Have a mail sent once the current transaction has committed; a rollback takes it back.

    The job carries no address: mail goes to the one that is stored when it is sent. ``details`` are shown in the mail
    (``{"factor": "totp"}``): neither secrets nor anything that a stranger chose.

    Raises: OperationalError when the database is gone.
    """
    try:
        jobs.configure_task(SEND_TASK).defer(
            user_id=str(user_id), kind=str(kind), occurred_at=timezone.now().isoformat(), details=dict(details or {})
        )
    except ConnectorException as error:
        # A database that went away is to look alike from here as from everywhere else.
        raise error.__cause__ or error from error


def send(*, user_id: UUID, kind: Kind, occurred_at: str, details: Mapping[str, str] | None = None) -> None:
    """Send one mail now, in the language of its reader. Nobody is written to who is gone by then.

    Raises: whatever the mail backend does, so that the job is tried again.
    """
    user = selectors.user_by_id(user_id=user_id)
    if user is None:
        return
    language = user.locale if user.locale in dict(settings.LANGUAGES) else settings.LANGUAGE_CODE
    with translation.override(language):
        context = {
            **(details or {}),
            "username": user.username,
            "occurred_at": datetime.fromisoformat(occurred_at),
            "public_url": account_settings.PUBLIC_URL,
            "subject": SUBJECTS[kind],
            "language": language,
            "is_right_to_left": translation.get_language_bidi(),
        }
        message = EmailMultiAlternatives(
            subject=str(SUBJECTS[kind]),
            body=render_to_string(f"accounts/mail/{kind}.txt", context),
            to=[user.email],
            headers={"Auto-Submitted": "auto-generated"},  # RFC 3834: answering machines keep quiet
        )
        message.attach_alternative(render_to_string(f"accounts/mail/{kind}.html", context), "text/html")
    message.send()
