"""Tell people that an operator erased their account.

When the mail is sent, the account is gone, and with it all rows that other mails have. The job holds what the mail
needs, encrypted; it is deleted with the finished jobs after some hours. A worker that dies between the mail server's
reply and the end of the job sends the mail twice, with the same Message-ID.
"""

import json
import smtplib
from datetime import datetime
from uuid import UUID

import structlog

from accounts.identifiers.names import ascii_email
from accounts.models import User
from accounts.services.mailing import mail_queue, mail_templates
from accounts.services.mailing.mail_queue import MailKind
from accounts.services.mailing.mail_templates import MailDraft
from cedrina_base.uuids import uuid7
from tokens import encryption

log = structlog.get_logger(__name__)

SEND_TASK = "accounts.send_erasure_notice"
_ASSOCIATED_DATA = "accounts.send_erasure_notice"  # no other encrypted text can be decrypted as one of these
_PERMANENT = 500  # SMTP reply codes from here on (RFC 5321, 4.2.1)


def enqueue(*, user: User, now: datetime) -> None:
    """Enqueue the mail, in the transaction that erases the account. An address on hold gets none.

    Raises: OperationalError when the database is unavailable.
    """
    if user.is_email_held or ascii_email(user.email) is None:
        return
    details = json.dumps({"address": user.email, "username": user.username, "locale": user.locale})
    sealed = encryption.encrypt(details, associated_data=_ASSOCIATED_DATA)
    mail_queue.defer(SEND_TASK, mail_id=str(uuid7()), occurred_at=now.isoformat(), sealed_recipient=sealed)


def send(*, mail_id: UUID, occurred_at: datetime, sealed_recipient: str) -> None:
    """Send the mail. One that the server refuses for good is dropped.

    Raises: the mail backend's errors for temporary failures, so that the job is tried again.
    """
    try:
        details = json.loads(encryption.decrypt(sealed_recipient, associated_data=_ASSOCIATED_DATA))
    except encryption.DecryptionFailed:
        log.warning("erasure_notice_unreadable", mail_id=str(mail_id))  # its key is no longer configured
        return
    draft = MailDraft(
        mail_id=mail_id,
        kind=MailKind.ERASED_BY_OPERATOR,
        user=User(username=details["username"], locale=details["locale"]),
        address=details["address"],
        occurred_at=occurred_at,
    )
    try:
        mail_templates.compose(draft=draft).send()
    except smtplib.SMTPRecipientsRefused as error:
        if not all(code >= _PERMANENT for code, _answer in error.recipients.values()):
            raise
        log.warning("mail_refused_for_good", mail_id=str(mail_id), kind=MailKind.ERASED_BY_OPERATOR)
