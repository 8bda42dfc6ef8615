"""Have people written to. What is to be sent is a row and a job in the transaction of the change that it tells of."""

from collections.abc import Mapping
from datetime import datetime
from enum import StrEnum
from typing import Any
from uuid import UUID

from django.db import connection, transaction
from django.utils import timezone
from procrastinate.contrib.django import app as jobs
from procrastinate.exceptions import ConnectorException
from procrastinate.types import JSONValue

from accounts.identifiers import HELD, fold_email
from accounts.models import MailBudget
from cedrina_base.uuids import uuid7

SEND_TASK = "accounts.send_mail"

_INSERT = """
INSERT INTO accounts_outgoingmail (id, user_id, kind, budget, address, recipient, created_at, drop_reason)
SELECT %(id)s, u.id, %(kind)s, %(budget)s, COALESCE(%(address)s, u.email), COALESCE(%(recipient)s, u.email_folded),
       %(now)s, ''
FROM accounts_user u WHERE u.id = %(user_id)s
AND NOT (
    starts_with(u.email_folded, %(held)s) AND COALESCE(%(address)s, u.email) = u.email AND %(kind)s <> %(asked_for)s
)
ON CONFLICT (id) DO NOTHING
"""


class Kind(StrEnum):
    """What can be said."""

    CONFIRM_EMAIL = "confirm_email"
    CONFIRM_REGISTRATION = "confirm_registration"
    CONFIRM_NEW_EMAIL = "confirm_new_email"
    RESET_PASSWORD = "reset_password"
    CHOOSE_PASSWORD = "choose_password"
    PASSWORD_SWITCHED_OFF = "password_switched_off"
    ADDRESS_ALREADY_REGISTERED = "address_already_registered"
    PASSWORD_CHANGED = "password_changed"
    EMAIL_CHANGE_REQUESTED = "email_change_requested"
    EMAIL_CHANGED = "email_changed"
    EMAIL_RESTORED = "email_restored"
    SESSION_ENDED_FOR_SAFETY = "session_ended_for_safety"
    SESSION_USED_ELSEWHERE = "session_used_elsewhere"
    NEW_DEVICE = "new_device"
    FACTOR_ADDED = "factor_added"
    FACTOR_REMOVED = "factor_removed"
    RECOVERY_CODE_USED = "recovery_code_used"
    FACTOR_LOCKED = "factor_locked"
    SOCIAL_ACCOUNT_LINKED = "social_account_linked"
    SOCIAL_ACCOUNT_UNLINKED = "social_account_unlinked"
    DELETION_REQUESTED = "deletion_requested"


# What anybody can have sent to somebody. All other mail tells of something that was done with an account.
CAUSED_BY_ANYBODY = frozenset(
    {
        Kind.CONFIRM_EMAIL,
        Kind.CONFIRM_REGISTRATION,
        Kind.CONFIRM_NEW_EMAIL,
        Kind.RESET_PASSWORD,
        Kind.ADDRESS_ALREADY_REGISTERED,
    }
)


def enqueue(
    *,
    user_id: UUID,
    kind: Kind,
    details: Mapping[str, str] | None = None,
    address: str | None = None,
    mail_id: UUID | None = None,
    is_known_device: bool = False,
    now: datetime | None = None,
) -> UUID:
    """Have a mail sent once the current transaction has committed, and return its id; a rollback takes it back.

    It goes to ``address``, or to the one that the person has now. The job carries neither that nor a token.
    Nothing goes to an address that is on hold, which may be a stranger's, but what its owner asks for to confirm it.
    ``details`` are shown in the mail (``{"factor": "totp"}``): neither secrets nor anything that a stranger chose. A
    ``mail_id`` that is known already enqueues nothing anew. ``is_known_device`` says that the owner asked for it on a
    device that has signed in before: it does not count together with what strangers ask for.

    Raises: OperationalError when the database is gone.
    """
    identity, at = mail_id or uuid7(), now or timezone.now()
    # Without a savepoint: where the caller has no transaction, row and job get one together.
    with transaction.atomic(savepoint=False):
        row: dict[str, Any] = {"id": identity, "user_id": user_id, "kind": str(kind), "address": address, "now": at}
        with connection.cursor() as cursor:
            row["budget"] = _budget(kind, is_known_device)
            row["recipient"] = None if address is None else fold_email(address)
            cursor.execute(_INSERT, {**row, "held": HELD, "asked_for": str(Kind.CONFIRM_NEW_EMAIL)})
            is_new = cursor.rowcount == 1
        if is_new:
            defer(
                SEND_TASK,
                mail_id=str(identity),
                user_id=str(user_id),
                kind=str(kind),
                occurred_at=at.isoformat(),
                details=dict(details or {}),
            )
    return identity


def _budget(kind: Kind, is_known_device: bool) -> str:
    if kind not in CAUSED_BY_ANYBODY:
        return MailBudget.NOTICE
    return MailBudget.KNOWN_DEVICE if is_known_device else MailBudget.ANYBODY


def defer(task: str, **arguments: JSONValue) -> None:
    """Leave a job for the background worker, in the current transaction.

    Raises: OperationalError when the database is gone.
    """
    try:
        jobs.configure_task(task).defer(**arguments)
    except ConnectorException as error:
        # A database that went away is to look alike from here as from everywhere else.
        raise error.__cause__ or error from error
