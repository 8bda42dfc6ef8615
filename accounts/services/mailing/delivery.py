"""Send one mail once.

The row of the mail records that it was sent. A worker first issues the token, then locks the row and keeps the lock
while it talks to the mail server; ``sent_at`` is committed when the lock is released. If the job runs again, because
its worker died or seemed dead, the row is marked or locked and nothing is sent. A worker that is killed loses its
connection to the database and with it the lock, so that another worker can send the mail.

One gap can't be closed by any SMTP client: the worker dies between the server's 250 reply and the commit. Then the mail
is sent again (RFC 5321, 4.5.4.1 prefers that to losing it). The Message-ID and the token are derived from the row's id,
so that servers and mail programs can discard the second copy, and both copies have the same valid link.
"""

import smtplib
from collections.abc import Mapping
from datetime import datetime
from functools import partial
from uuid import UUID

import structlog
from django.db import transaction

from accounts import measures
from accounts.identifiers.names import ascii_email, fold_email
from accounts.models import MailedTokenPurpose, OutgoingMail, User
from accounts.models.mailing import DropReason
from accounts.services.mailing import mail_budgets, mail_queue, mail_templates, mailed_tokens, registration_mail
from accounts.services.mailing.mail_queue import MailKind
from accounts.services.mailing.mail_templates import TOKEN_PURPOSES, MailDraft

log = structlog.get_logger(__name__)

# Not sent if the account has another address by now, or is disabled or deleted.
_ONLY_TO_ACCOUNT_ADDRESS = (
    MailKind.CONFIRM_EMAIL,
    MailKind.RESET_PASSWORD,
    MailKind.CHOOSE_PASSWORD,
    MailKind.PASSWORD_SWITCHED_OFF,
    MailKind.INVITATION,
    MailKind.RESET_BY_OPERATOR,
    MailKind.PASSWORD_RESET_REQUIRED,
    MailKind.PROOF_CODE,
)
_PERMANENT = 500  # SMTP reply codes from here on (RFC 5321, 4.2.1)


class DeliveryInProgress(Exception):
    """Another worker sends this mail at the moment. Whether it succeeds is not known yet."""


def deliver(*, mail_id: UUID, now: datetime, details: Mapping[str, str] | None = None) -> None:
    """Send one mail, unless it was sent already or there is a reason not to send it any more.

    A mail that the server refuses permanently is dropped.

    Raises: DeliveryInProgress, and the mail backend's errors for temporary failures, so that the job is tried again.
    """
    draft = _prepare(mail_id=mail_id, details=details or {}, now=now)
    if draft is None:
        return
    message = mail_templates.compose(draft=draft)
    with transaction.atomic():
        row = OutgoingMail.objects.select_for_update(skip_locked=True).filter(pk=mail_id).first()
        if row is None:
            raise DeliveryInProgress
        if row.sent_at is not None or row.dropped_at is not None:
            return
        try:
            message.send()
        except (smtplib.SMTPRecipientsRefused, smtplib.SMTPDataError, smtplib.SMTPNotSupportedError) as error:
            if not _is_permanent(error):
                measures.MAIL.count(measures.FAILED)
                raise
            _drop_refused(row, now=now)
            outcome = measures.REJECTED
        except Exception:
            measures.MAIL.count(measures.FAILED)
            raise
        else:
            outcome = measures.SENT
            row.sent_at = now
            row.save(update_fields=["sent_at"])
        transaction.on_commit(partial(measures.MAIL.count, outcome), robust=True)


def withdraw(*, user: User, since: datetime, now: datetime) -> int:
    """Drop the unsent mails of a user about events at or after ``since``; return how many.

    The caller has locked the user's row. Mails that are being sent now are left out: their token exists already.
    """
    waiting = OutgoingMail.objects.select_for_update(skip_locked=True).unfinished()
    ids = [row.pk for row in waiting.filter(user=user, created_at__gte=since)]
    return OutgoingMail.objects.filter(pk__in=ids).drop(reason=DropReason.WITHDRAWN, now=now)


def oldest_reportable_notice(*, user_id: UUID, address: str, since: datetime) -> datetime | None:
    """Return when the event of the oldest notice happened that was mailed to an address and can still be reported.

    Notices that are still to be sent count, too.
    """
    disown = MailedTokenPurpose.DISOWN
    notices = [kind for kind in MailKind if TOKEN_PURPOSES.get(kind, disown) is disown]
    rows = OutgoingMail.objects.filter(user_id=user_id, kind__in=notices, created_at__gte=since, dropped_at=None)
    used = mailed_tokens.used_tokens(user_id=user_id)
    found = rows.exclude(pk__in=used.values("pk")).order_by("created_at").values_list("created_at", "address")
    key = fold_email(address)
    return next((created_at for created_at, sent_to in found.iterator() if fold_email(sent_to) == key), None)


def _prepare(*, mail_id: UUID, details: Mapping[str, str], now: datetime) -> MailDraft | None:
    """Return the mail with its token; ``None`` if it was sent or dropped, or is dropped now."""
    with transaction.atomic():
        row = OutgoingMail.objects.unfinished().filter(pk=mail_id).first()
        if row is None:
            return None
        prepared = (
            _prepare_for_account(row, details=details, now=now)
            if row.registration_id is None
            else registration_mail.prepare(row=row, now=now)
        )
        if isinstance(prepared, DropReason):
            # Not by the instance: the worker that holds the row's lock decides whether the mail was sent.
            if OutgoingMail.objects.filter(pk=row.pk).drop(reason=prepared, now=now):
                transaction.on_commit(partial(measures.MAIL.count, measures.DROPPED), robust=True)
            return None
        return prepared


def _prepare_for_account(
    row: OutgoingMail, *, details: Mapping[str, str], now: datetime
) -> MailDraft | DropReason | None:
    # The account's row is locked before rows that refer to it. Another worker that sends this mail has locked its row.
    user = User.objects.select_for_update(no_key=True).filter(pk__in=[row.user_id]).first()
    if user is None:
        return None
    row.refresh_from_db()  # it may have been withdrawn while this waited for the lock
    if row.sent_at is not None or row.dropped_at is not None:
        return None
    kind = MailKind(row.kind)
    if ascii_email(row.address) is None:
        return DropReason.ADDRESS_UNUSABLE
    if reason := _drop_reason(row=row, kind=kind, user=user, now=now):
        return reason
    token: str | None = ""
    if (purpose := TOKEN_PURPOSES.get(kind, MailedTokenPurpose.DISOWN)) is not None:
        token = mailed_tokens.issue(
            mail_id=row.pk, user=user, purpose=purpose, address=row.address, occurred_at=row.created_at, now=now
        )
    if token is None:
        return DropReason.SUPERSEDED
    if row.started_at is None:
        OutgoingMail.objects.filter(pk=row.pk, started_at__isnull=True).update(started_at=now)
    return MailDraft(
        mail_id=row.pk,
        kind=kind,
        user=user,
        address=row.address,
        occurred_at=row.created_at,
        token=token,
        details=dict(details),
    )


def _drop_reason(*, row: OutgoingMail, kind: MailKind, user: User, now: datetime) -> DropReason | None:
    """Return why a mail is not to be sent any more; ``None`` if it is to be sent."""
    if row.started_at is None and (reason := mail_budgets.drop_reason(row=row, now=now)):
        return reason
    if kind is MailKind.CONFIRM_NEW_EMAIL:
        owner = User.objects.filter(email_folded=fold_email(row.address)).exclude(pk=user.pk).first()
        if owner is not None:
            mail_queue.enqueue(user_id=owner.pk, kind=MailKind.ADDRESS_ALREADY_REGISTERED, now=now)
            return DropReason.TAKEN
    if kind is MailKind.CONFIRM_REGISTRATION or (kind is MailKind.CONFIRM_EMAIL and user.is_email_confirmed):
        return DropReason.CONFIRMED  # a registration that has an account is confirmed
    if kind in _ONLY_TO_ACCOUNT_ADDRESS:
        # A link that is mailed to the former address would give access to the account with the new one.
        if fold_email(row.address) != user.email_folded:
            return DropReason.ADDRESS_CHANGED
        if user.deleted_at or not user.is_active:
            return DropReason.NO_ACCOUNT
    return None


def _is_permanent(error: smtplib.SMTPException) -> bool:
    """Return whether the server will never accept this mail; errors of our sign-in at the server are temporary."""
    if isinstance(error, smtplib.SMTPRecipientsRefused):
        return all(code >= _PERMANENT for code, _answer in error.recipients.values())
    if isinstance(error, smtplib.SMTPResponseException):
        return error.smtp_code >= _PERMANENT
    return True


def _drop_refused(row: OutgoingMail, *, now: datetime) -> None:
    row.dropped_at, row.drop_reason = now, DropReason.REFUSED
    row.save(update_fields=["dropped_at", "drop_reason"])
    log.warning("mail_refused_for_good", mail_id=str(row.pk), kind=row.kind)
