"""Have people written to. What is to be sent is a row and a job in the transaction of the change that it tells of."""

from collections.abc import Mapping
from datetime import datetime
from enum import StrEnum
from uuid import UUID

from django.db import connection, transaction
from django.utils import timezone
from procrastinate.contrib.django import app as jobs
from procrastinate.exceptions import ConnectorException
from procrastinate.types import JSONValue

from accounts.identifiers import uuid7

SEND_TASK = "accounts.send_mail"

_INSERT = """
INSERT INTO accounts_outgoingmail (id, user_id, kind, address, created_at, drop_reason)
SELECT %(id)s, u.id, %(kind)s, COALESCE(%(address)s, u.email), %(now)s, '' FROM accounts_user u WHERE u.id = %(user_id)s
ON CONFLICT (id) DO NOTHING
"""


class Kind(StrEnum):
    """What can be said."""

    CONFIRM_EMAIL = "confirm_email"
    CONFIRM_REGISTRATION = "confirm_registration"
    CONFIRM_NEW_EMAIL = "confirm_new_email"
    RESET_PASSWORD = "reset_password"  # noqa: S105 - the name of a mail
    CHOOSE_PASSWORD = "choose_password"  # noqa: S105 - the name of a mail
    PASSWORD_SWITCHED_OFF = "password_switched_off"  # noqa: S105 - the name of a mail
    ADDRESS_ALREADY_REGISTERED = "address_already_registered"
    PASSWORD_CHANGED = "password_changed"  # noqa: S105 - the name of a mail
    EMAIL_CHANGE_REQUESTED = "email_change_requested"
    EMAIL_CHANGED = "email_changed"
    EMAIL_RESTORED = "email_restored"
    SESSION_ENDED_FOR_SAFETY = "session_ended_for_safety"
    NEW_DEVICE = "new_device"
    FACTOR_ADDED = "factor_added"
    FACTOR_REMOVED = "factor_removed"
    RECOVERY_CODE_USED = "recovery_code_used"
    FACTOR_LOCKED = "factor_locked"
    SOCIAL_ACCOUNT_LINKED = "social_account_linked"
    SOCIAL_ACCOUNT_UNLINKED = "social_account_unlinked"
    DELETION_REQUESTED = "deletion_requested"


def enqueue(
    *, user_id: UUID, kind: Kind, details: Mapping[str, str] | None = None, address: str | None = None,
    mail_id: UUID | None = None, now: datetime | None = None,
) -> UUID:  # fmt: skip
    """Have a mail sent once the current transaction has committed, and return its id; a rollback takes it back.

    It goes to ``address``, or to the one that the person has now. The job carries neither that nor a token.
    ``details`` are shown in the mail (``{"factor": "totp"}``): neither secrets nor anything that a stranger chose. A
    ``mail_id`` that is known already enqueues nothing anew.

    Raises: OperationalError when the database is gone.
    """
    identity, at = mail_id or uuid7(), now or timezone.now()
    # Without a savepoint: where the caller has no transaction, row and job get one together.
    with transaction.atomic(savepoint=False):
        with connection.cursor() as cursor:
            cursor.execute(
                _INSERT, {"id": identity, "user_id": user_id, "kind": str(kind), "address": address, "now": at}
            )
            is_new = cursor.rowcount == 1
        if is_new:
            defer(
                SEND_TASK, mail_id=str(identity), user_id=str(user_id), kind=str(kind), occurred_at=at.isoformat(),
                details=dict(details or {}),
            )  # fmt: skip
    return identity


def defer(task: str, **arguments: JSONValue) -> None:
    """Leave a job for the background worker, in the current transaction.

    Raises: OperationalError when the database is gone.
    """
    try:
        jobs.configure_task(task).defer(**arguments)
    except ConnectorException as error:
        # A database that went away is to look alike from here as from everywhere else.
        raise error.__cause__ or error from error
