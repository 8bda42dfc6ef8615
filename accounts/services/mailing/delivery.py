"""Hand one mail over, once.

The row of the mail is the record of that. A worker prepares the token, then takes the row's lock and keeps it while it
talks to the mail server; that the mail was taken is committed with the lock. A job that runs again, because a worker
died or was only believed to be dead, finds the row marked or locked and sends nothing. A worker that is killed drops
its connection to the database and the lock with it, so that another one takes over.

One window no SMTP client can close: the server has said 250 and the worker dies before it commits. The mail is then
handed over again (RFC 5321, 4.5.4.1 prefers that to losing it). Its Message-ID is made from the row's id and its token
too, so that servers and readers who drop repetitions recognise it, and that both copies have the same good link.
"""

import smtplib
from collections.abc import Mapping
from datetime import datetime
from uuid import UUID

import structlog
from django.db import transaction
from django.utils import timezone

from accounts.identifiers import ascii_email, fold_email
from accounts.models import OutgoingMail, Purpose, User
from accounts.services.mailing import mail_budgets, mail_queue, mail_templates, mailed_tokens, registration_mail

log = structlog.get_logger(__name__)

_TO_THE_ACCOUNTS_ADDRESS = (
    mail_queue.Kind.CONFIRM_EMAIL,
    mail_queue.Kind.RESET_PASSWORD,
    mail_queue.Kind.CHOOSE_PASSWORD,
    mail_queue.Kind.PASSWORD_SWITCHED_OFF,
)
_FINAL = 500


class StillBeingSent(Exception):
    """Another worker holds this mail at the moment; whether it succeeds is not known yet."""


def deliver(*, mail_id: UUID, details: Mapping[str, str] | None = None, now: datetime | None = None) -> None:
    """Hand one mail over, unless that has happened, or there is no reason for it any more.

    A recipient or a mail that the server refuses for good is given up. Raises: StillBeingSent, and whatever the mail
    backend does about trouble that may pass, so that the job is tried again.
    """
    letter = _prepare(mail_id=mail_id, details=details, now=now)
    if letter is None:
        return
    message = mail_templates.compose(letter=letter)
    with transaction.atomic():
        row = OutgoingMail.objects.select_for_update(skip_locked=True).filter(pk=mail_id).first()
        if row is None:
            raise StillBeingSent
        if row.sent_at is not None or row.dropped_at is not None:
            return
        try:
            message.send()
        except (smtplib.SMTPRecipientsRefused, smtplib.SMTPDataError, smtplib.SMTPNotSupportedError) as error:
            if not _is_final(error):
                raise
            _drop(row, reason="refused", now=now)
        else:
            row.sent_at = now or timezone.now()
            row.save(update_fields=["sent_at"])


def _prepare(*, mail_id: UUID, details: Mapping[str, str] | None, now: datetime | None) -> mail_templates.Letter | None:
    at = now or timezone.now()
    with transaction.atomic():
        row = OutgoingMail.objects.filter(pk=mail_id, sent_at__isnull=True, dropped_at__isnull=True).first()
        if row is not None and row.registration_id is not None:
            return _prepare_registration(row, at=at)
        # Always the person first, then what is theirs. Another worker that is at this mail holds its row, not theirs.
        user = User.objects.select_for_update(no_key=True).filter(pk__in=[row.user_id]).first() if row else None
        if row is None or user is None:
            return None
        row.refresh_from_db()  # it may have been withdrawn by whoever had the lock
        if row.sent_at is not None or row.dropped_at is not None:
            return None
        kind = mail_queue.Kind(row.kind)
        is_sendable = ascii_email(row.address) is not None
        reason = _reason_against(row=row, kind=kind, user=user, at=at) if is_sendable else "address_unusable"
        token: str | None = None
        if not reason and (purpose := mail_templates.PURPOSES.get(kind, Purpose.DISOWN)) is not None:
            token = mailed_tokens.issue(
                mail_id=row.pk, user=user, purpose=purpose, address=row.address, occurred_at=row.created_at, now=now
            )
            reason = "" if token else "superseded"
        if reason:
            # Not through the instance: whoever holds the row's lock decides whether the mail was sent.
            OutgoingMail.objects.filter(pk=row.pk, sent_at__isnull=True, dropped_at__isnull=True).update(
                dropped_at=at, drop_reason=reason
            )
            return None
        if row.started_at is None:
            OutgoingMail.objects.filter(pk=row.pk, started_at__isnull=True).update(started_at=at)
    return mail_templates.Letter(
        mail_id=row.pk,
        kind=kind,
        user=user,
        address=row.address,
        occurred_at=row.created_at,
        token=token or "",
        details=dict(details or {}),
    )


def _prepare_registration(row: OutgoingMail, *, at: datetime) -> mail_templates.Letter | None:
    prepared = registration_mail.prepare(row=row, at=at)
    if isinstance(prepared, mail_templates.Letter):
        return prepared
    OutgoingMail.objects.filter(pk=row.pk, sent_at__isnull=True, dropped_at__isnull=True).update(
        dropped_at=at, drop_reason=prepared
    )
    return None


def _reason_against(*, row: OutgoingMail, kind: mail_queue.Kind, user: User, at: datetime) -> str:
    """Say why a mail is not to be sent after all; empty when it is."""
    if row.started_at is None and (refusal := mail_budgets.refusal(row=row, at=at)):
        return refusal
    if kind is mail_queue.Kind.CONFIRM_NEW_EMAIL:
        owner = User.objects.filter(email_folded=fold_email(row.address)).exclude(pk=user.pk).first()
        if owner is not None:
            mail_queue.enqueue(user_id=owner.pk, kind=mail_queue.Kind.ADDRESS_ALREADY_REGISTERED, now=at)
            return "taken"
    if kind is mail_queue.Kind.CONFIRM_REGISTRATION or (
        kind is mail_queue.Kind.CONFIRM_EMAIL and user.is_email_confirmed
    ):
        return "confirmed"  # a registration with an account is confirmed
    if kind in _TO_THE_ACCOUNTS_ADDRESS:
        # A link to the former address would open the account with the new one.
        if fold_email(row.address) != user.email_folded:
            return "address_changed"
        if user.deleted_at or not user.is_active:
            return "no_account"
    return ""


def _is_final(error: smtplib.SMTPException) -> bool:
    """Whether the server will never take this mail (RFC 5321, 4.2.1); of what it says of our sign-in, it may."""
    if isinstance(error, smtplib.SMTPRecipientsRefused):
        return all(code >= _FINAL for code, _answer in error.recipients.values())
    if isinstance(error, smtplib.SMTPResponseException):
        return error.smtp_code >= _FINAL
    return True


def _drop(row: OutgoingMail, *, reason: str, now: datetime | None) -> None:
    row.dropped_at, row.drop_reason = now or timezone.now(), reason
    row.save(update_fields=["dropped_at", "drop_reason"])
    log.warning("mail_refused_for_good", mail_id=str(row.pk), kind=row.kind)


def withdraw(*, user: User, since: datetime, now: datetime | None = None) -> int:
    """Keep a person's mail of what happened since then from being sent, where that has not begun; return how much.

    In the caller's transaction, with the person's row locked. What a worker is just sending has its token already.
    """
    waiting = OutgoingMail.objects.select_for_update(skip_locked=True).filter(
        user=user, created_at__gte=since, sent_at__isnull=True, dropped_at__isnull=True
    )
    return OutgoingMail.objects.filter(pk__in=[row.pk for row in waiting]).update(
        dropped_at=now or timezone.now(), drop_reason="withdrawn"
    )


def oldest_notice(*, user_id: UUID, address: str, since: datetime) -> datetime | None:
    """Return when that happened which the oldest notice tells of that was mailed to an address and can be reported.

    A notice that still waits to be sent counts as well.
    """
    notices = [kind for kind in mail_queue.Kind if mail_templates.PURPOSES.get(kind, Purpose.DISOWN) is Purpose.DISOWN]
    rows = OutgoingMail.objects.filter(user_id=user_id, kind__in=notices, created_at__gte=since, dropped_at=None)
    used = mailed_tokens.used(user_id=user_id)
    found = rows.exclude(pk__in=used.values("pk")).order_by("created_at").values_list("created_at", "address")
    key = fold_email(address)
    return next((at for at, sent_to in found.iterator() if fold_email(sent_to) == key), None)
