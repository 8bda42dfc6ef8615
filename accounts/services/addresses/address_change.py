"""Request another address for an account. It is stored when it is confirmed."""

from datetime import datetime
from uuid import UUID

from django.db import transaction
from django.utils.translation import gettext_lazy as _

from accounts import event_types, selectors
from accounts.errors import DetailsInvalid
from accounts.identifiers.names import parse_email
from accounts.models import MailedTokenPurpose, User
from accounts.services.mailing import mail_queue, mailed_tokens
from accounts.services.passwords import session_passwords
from accounts.types import FieldProblem
from cedrina_base.uuids import uuid7
from security_events.services import recording
from tokens.users import subject_of


def request(*, user: User, session_id: UUID, email: str, password: str, now: datetime) -> None:
    """Mail a link to a new address and a notice to the present one. Nothing else changes yet.

    Only the background worker looks up whether another account has the new address. So the response doesn't reveal it;
    the owner of that account gets a mail instead of the link. The link becomes invalid when the password or the address
    of the account changes.

    Raises: DetailsInvalid, CredentialsInvalid, AttemptsExhausted, HashingBusy.
    """
    address = parse_email(email)
    if address is None:
        raise DetailsInvalid([FieldProblem("email", "email_invalid", _("This is not an e-mail address."))])
    checked = selectors.password_digest(user_id=user.pk)
    failure = event_types.EMAIL_CHANGE_REQUESTED
    session_passwords.require_right_password(
        user=user, session_id=session_id, password=password, digest=checked, failure=failure, now=now
    )
    with transaction.atomic():
        # The password may have changed while the hash was computed.
        owner = User.objects.present().select_for_update(no_key=True).filter(pk=user.pk, is_active=True).first()
        is_unchanged = owner is not None and owner.password == checked
        if owner is not None and is_unchanged:
            _enqueue(user=owner, session_id=session_id, address=address, now=now)
    if not is_unchanged:
        raise session_passwords.record_refusal(
            failure, user=user, session_id=session_id, reason="wrong_password", now=now
        )


def _enqueue(*, user: User, session_id: UUID, address: str, now: datetime) -> None:
    mail_id = uuid7()
    # Issued here and not by the worker, to bind it to the password that was just checked.
    mailed_tokens.issue(mail_id=mail_id, user=user, purpose=MailedTokenPurpose.CHANGE_EMAIL, address=address, now=now)
    mail_queue.enqueue(
        user_id=user.pk, kind=mail_queue.MailKind.CONFIRM_NEW_EMAIL, address=address, mail_id=mail_id, now=now
    )
    mail_queue.enqueue(user_id=user.pk, kind=mail_queue.MailKind.EMAIL_CHANGE_REQUESTED, now=now)
    recording.record(
        event_types.EMAIL_CHANGE_REQUESTED,
        actor=subject_of(user),
        target=subject_of(user),
        session_id=session_id,
        data={"to": address},
        now=now,
    )
