"""Enqueue and prepare the mails of registrations.

The mail goes to the person that waits for an account, or to the owner of an account that already has the address. Only
the background worker looks up which of the two it is. So the response to a registration, its time included, doesn't
reveal it (OWASP ASVS 5.0, 6.3.8).
"""

from datetime import datetime
from uuid import UUID

from django.db import transaction

from accounts import event_types
from accounts.client_tokens import link_tokens
from accounts.identifiers.names import fold_email
from accounts.models import MailBudget, MailedTokenPurpose, OutgoingMail, PendingRegistration, User
from accounts.models.mailing import DropReason
from accounts.services.mailing import mail_budgets, mail_queue
from accounts.services.mailing.mail_queue import MailKind
from accounts.services.mailing.mail_templates import MailDraft
from security_events.services import recording
from security_events.types import Subject

ENQUEUE_TASK = "accounts.answer_registration"


def enqueue(*, registration_id: UUID, now: datetime) -> None:
    """Enqueue the mail of a registration. A second call for the same registration does nothing."""
    registration = PendingRegistration.objects.living(at=now).filter(pk=registration_id).first()
    if registration is None:
        return
    owner = User.objects.filter(email_folded=registration.email_folded).first()
    if owner is None:
        _enqueue_link(registration, mail_id=registration.pk, now=now)
        return
    with transaction.atomic():
        if OutgoingMail.objects.filter(pk=registration.pk).exists():
            return
        recording.record(
            event_types.ACCOUNT_REGISTRATION_REPEATED,
            actor=Subject(name=registration.email_folded),
            target=Subject(id=str(owner.pk), name=registration.email_folded),
            now=now,
        )
        mail_queue.enqueue(user_id=owner.pk, kind=MailKind.ADDRESS_ALREADY_REGISTERED, mail_id=registration.pk, now=now)


def enqueue_again(*, address: str, mail_id: UUID, now: datetime) -> None:
    """Enqueue the link of the latest pending registration of an address once more, if there is one."""
    registration = PendingRegistration.objects.latest_of(email_folded=fold_email(address), at=now)
    if registration is not None:
        _enqueue_link(registration, mail_id=mail_id, now=now)


def prepare(*, row: OutgoingMail, now: datetime) -> MailDraft | DropReason:
    """Return the mail of a registration, or why it is not sent any more. The caller has opened a transaction.

    All mails of a registration have the same token. It is valid as long as the registration is pending.
    """
    registration = PendingRegistration.objects.select_for_update().filter(pk__in=[row.registration_id]).first()
    if registration is None or registration.expires_at <= now:
        return DropReason.EXPIRED
    if User.objects.filter(email_folded=registration.email_folded).exists():
        return DropReason.TAKEN
    if row.started_at is None:
        if reason := mail_budgets.drop_reason(row=row, now=now):
            return reason
        OutgoingMail.objects.filter(pk=row.pk, started_at__isnull=True).update(started_at=now)
    return MailDraft(
        mail_id=row.pk,
        kind=MailKind(row.kind),
        user=registration,
        address=row.address,
        occurred_at=row.created_at,
        token=link_tokens.mint(purpose=MailedTokenPurpose.OPEN_ACCOUNT, mail_id=registration.pk),
        expires_at=registration.expires_at,
    )


def _enqueue_link(registration: PendingRegistration, *, mail_id: UUID, now: datetime) -> None:
    kind = MailKind.CONFIRM_REGISTRATION
    with transaction.atomic(savepoint=False):
        # Locked: while a confirmation creates the account, it moves the mails of the registration to the account.
        is_pending = PendingRegistration.objects.select_for_update().filter(pk=registration.pk).exists()
        if not is_pending or OutgoingMail.objects.filter(pk=mail_id).exists():
            return
        OutgoingMail.objects.create(
            pk=mail_id,
            registration=registration,
            kind=kind,
            budget=MailBudget.ANYBODY,
            address=registration.email,
            recipient=registration.email_folded,
            created_at=now,
        )
        mail_queue.defer(
            mail_queue.SEND_TASK, mail_id=str(mail_id), kind=str(kind), occurred_at=now.isoformat(), details={}
        )
