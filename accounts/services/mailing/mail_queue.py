"""Enqueue mail: a row and a job, both in the transaction of the event that the mail is about."""

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

from accounts.identifiers.names import HELD_PREFIX, fold_email
from accounts.models import MailBudget
from cedrina_base.tracing import traceparent
from cedrina_base.uuids import uuid7

SEND_TASK = "accounts.send_mail"

# Nothing is mailed to an address on hold, except the confirmation that its owner has requested.
_INSERT = """
INSERT INTO accounts_outgoingmail (id, user_id, kind, budget, address, recipient, created_at, drop_reason)
SELECT %(id)s, u.id, %(kind)s, %(budget)s, COALESCE(%(address)s, u.email), COALESCE(%(recipient)s, u.email_folded),
    %(now)s, ''
FROM accounts_user u
WHERE u.id = %(user_id)s AND NOT (
    starts_with(u.email_folded, %(held_prefix)s) AND COALESCE(%(address)s, u.email) = u.email
    AND %(kind)s <> 'confirm_new_email'
)
ON CONFLICT (id) DO NOTHING
"""


class MailKind(StrEnum):
    """All mails that are sent. The texts are in ``mail_messages``."""

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
    SIGN_IN_REFUSED = "sign_in_refused"
    FACTOR_ADDED = "factor_added"
    FACTOR_REMOVED = "factor_removed"
    RECOVERY_CODE_USED = "recovery_code_used"
    FACTOR_LOCKED = "factor_locked"
    PROOF_CODE = "proof_code"
    ATTACK_WARDED_OFF = "attack_warded_off"
    SUSPICIOUS_SIGN_IN = "suspicious_sign_in"
    FACTOR_RESET_REQUESTED = "factor_reset_requested"
    FACTOR_RESET_STOPPED = "factor_reset_stopped"
    FACTOR_RESET_UNNECESSARY = "factor_reset_unnecessary"
    FACTOR_RESET_WITHDRAWN = "factor_reset_withdrawn"
    FACTORS_RESET = "factors_reset"
    SOCIAL_ACCOUNT_LINKED = "social_account_linked"
    SOCIAL_ACCOUNT_UNLINKED = "social_account_unlinked"
    DELETION_REQUESTED = "deletion_requested"
    INVITATION = "invitation"
    RESET_BY_OPERATOR = "reset_by_operator"
    PASSWORD_RESET_REQUIRED = "password_reset_required"
    EMAIL_CONFIRMED_BY_OPERATOR = "email_confirmed_by_operator"
    CHANGED_BY_OPERATOR = "changed_by_operator"
    STAFF_RIGHTS_GRANTED = "staff_rights_granted"
    STAFF_RIGHTS_WITHDRAWN = "staff_rights_withdrawn"
    ACCOUNT_LOCKED = "account_locked"
    ACCOUNT_UNLOCKED = "account_unlocked"
    SESSIONS_ENDED_BY_OPERATOR = "sessions_ended_by_operator"
    DELETED_BY_OPERATOR = "deleted_by_operator"
    ACCOUNT_RESTORED = "account_restored"
    ERASED_BY_OPERATOR = "erased_by_operator"
    BREAK_GLASS_STARTED = "break_glass_started"
    SINK_STOPPED = "sink_stopped"
    SINK_RESUMED = "sink_resumed"


# Mails that anybody can cause to be sent to any address. All others are notices about an account.
CAUSED_BY_ANYBODY = frozenset(
    {
        MailKind.CONFIRM_EMAIL,
        MailKind.CONFIRM_REGISTRATION,
        MailKind.CONFIRM_NEW_EMAIL,
        MailKind.RESET_PASSWORD,
        MailKind.ADDRESS_ALREADY_REGISTERED,
    }
)
# Mails that an operator causes. They have a budget of their own, so that no operator can fill a mailbox, nor keep back
# the notices of an attack.
CAUSED_BY_OPERATORS = frozenset(
    {
        MailKind.INVITATION,
        MailKind.RESET_BY_OPERATOR,
        MailKind.PASSWORD_RESET_REQUIRED,
        MailKind.EMAIL_CONFIRMED_BY_OPERATOR,
        MailKind.CHANGED_BY_OPERATOR,
        MailKind.STAFF_RIGHTS_GRANTED,
        MailKind.STAFF_RIGHTS_WITHDRAWN,
        MailKind.ACCOUNT_LOCKED,
        MailKind.ACCOUNT_UNLOCKED,
        MailKind.SESSIONS_ENDED_BY_OPERATOR,
        MailKind.DELETED_BY_OPERATOR,
        MailKind.ACCOUNT_RESTORED,
        MailKind.ERASED_BY_OPERATOR,
    }
)


def enqueue(
    *,
    user_id: UUID,
    kind: MailKind,
    details: Mapping[str, str] | None = None,
    address: str | None = None,
    mail_id: UUID | None = None,
    is_known_device: bool = False,
    now: datetime | None = None,
) -> UUID:
    """Enqueue a mail to a user and return its id. It is sent after the current transaction has committed.

    ``address``: where to send it; without it, to the address of the account at this moment. An address on hold gets
    nothing, because it may not be the user's, except the confirmation that the user has requested.

    ``details``: what the mail shows, for example ``{"factor": "totp"}``. They must contain no secrets, because the job
    stores them, and no text that another person chose. The job stores neither the address nor a token.

    ``mail_id``: if a mail with this id exists, nothing is enqueued. ``is_known_device``: the owner has requested it on
    a device that has signed in before, so that it is not charged to the budget that strangers can use up. ``now``: when
    the event of the mail happened.

    Raises: OperationalError when the database is unavailable.
    """
    identity, at = mail_id or uuid7(), now or timezone.now()
    row: dict[str, Any] = {
        "id": identity,
        "user_id": user_id,
        "kind": str(kind),
        "budget": _budget(kind, is_known_device=is_known_device),
        "address": address,
        "recipient": None if address is None else fold_email(address),
        "now": at,
        "held_prefix": HELD_PREFIX,
    }
    # Without a savepoint: if the caller has no transaction, row and job get one together.
    with transaction.atomic(savepoint=False):
        with connection.cursor() as cursor:
            cursor.execute(_INSERT, row)
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


def defer(task: str, **arguments: JSONValue) -> None:
    """Defer a job to the background worker, in the current transaction. It goes on with the trace of this moment.

    Raises: OperationalError when the database is unavailable.
    """
    try:
        if trace := traceparent():
            arguments["traceparent"] = trace
        jobs.configure_task(task).defer(**arguments)
    except ConnectorException as error:
        # Callers get Django's error for a lost database, as from every other statement.
        raise error.__cause__ or error from error


def _budget(kind: MailKind, *, is_known_device: bool) -> str:
    if kind in CAUSED_BY_OPERATORS:
        return MailBudget.OPERATOR
    if kind not in CAUSED_BY_ANYBODY:
        return MailBudget.NOTICE
    return MailBudget.KNOWN_DEVICE if is_known_device else MailBudget.ANYBODY
