"""Write to the address of a registration: to whoever waits for an account, or to the one who has it already.

Which of the two it is, is looked up by the background worker alone, so that nothing in the answer to a registration,
its time included, can tell (OWASP ASVS 5.0, 6.3.8).
"""

from datetime import datetime
from uuid import UUID

from django.db import transaction
from django.utils import timezone

from accounts import event_types, link_tokens
from accounts.identifiers import fold_email
from accounts.models import MailBudget, OutgoingMail, PendingRegistration, Purpose, User
from accounts.services.mailing import mail_budgets, mail_queue, mail_templates
from security_events.services import recording
from security_events.types import Subject

ANSWER_TASK = "accounts.answer_registration"


def answer(*, registration_id: UUID, now: datetime | None = None) -> None:
    """Enqueue the mail that a registration causes; run twice, it does so once."""
    at = now or timezone.now()
    registration = PendingRegistration.objects.living(at=at).filter(pk=registration_id).first()
    if registration is None:
        return
    owner = User.objects.filter(email_folded=registration.email_folded).first()
    if owner is None:
        _enqueue(registration, mail_id=registration.pk, at=at)
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
        mail_queue.enqueue(
            user_id=owner.pk, kind=mail_queue.Kind.ADDRESS_ALREADY_REGISTERED, mail_id=registration.pk, now=now
        )


def send_again(*, address: str, mail_id: UUID, now: datetime | None = None) -> None:
    """Enqueue the link once more, for the latest registration of an address that has no account."""
    at = now or timezone.now()
    registration = PendingRegistration.objects.latest_of(email_folded=fold_email(address), at=at)
    if registration is not None:
        _enqueue(registration, mail_id=mail_id, at=at)


def prepare(*, row: OutgoingMail, at: datetime) -> mail_templates.Letter | str:
    """Return what is to be sent, or why nothing is, in the caller's transaction.

    Every mail of a registration carries the same token, which lives and dies with the registration.
    """
    registration = PendingRegistration.objects.select_for_update().filter(pk__in=[row.registration_id]).first()
    if registration is None or registration.expires_at <= at:
        return "expired"
    if User.objects.filter(email_folded=registration.email_folded).exists():
        return "taken"
    if row.started_at is None:
        if refusal := mail_budgets.refusal(row=row, at=at):
            return refusal
        OutgoingMail.objects.filter(pk=row.pk, started_at__isnull=True).update(started_at=at)
    return mail_templates.Letter(
        mail_id=row.pk,
        kind=mail_queue.Kind(row.kind),
        user=registration,
        address=row.address,
        occurred_at=row.created_at,
        token=link_tokens.mint(purpose=Purpose.OPEN_ACCOUNT, mail_id=registration.pk),
        expires_at=registration.expires_at,
    )


def _enqueue(registration: PendingRegistration, *, mail_id: UUID, at: datetime) -> None:
    kind = mail_queue.Kind.CONFIRM_REGISTRATION
    with transaction.atomic(savepoint=False):
        # Not to one that is just being confirmed: its mail is the account's from then on.
        is_there = PendingRegistration.objects.select_for_update().filter(pk=registration.pk).exists()
        if not is_there or OutgoingMail.objects.filter(pk=mail_id).exists():
            return
        OutgoingMail.objects.create(
            pk=mail_id,
            registration=registration,
            kind=kind,
            budget=MailBudget.ANYBODY,
            address=registration.email,
            recipient=registration.email_folded,
            created_at=at,
        )
        mail_queue.defer(
            mail_queue.SEND_TASK, mail_id=str(mail_id), kind=str(kind), occurred_at=at.isoformat(), details={}
        )
