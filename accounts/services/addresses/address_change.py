"""Ask for another address. It becomes the account's when its owner confirms it."""

from datetime import datetime
from uuid import UUID

from django.db import transaction
from django.utils.translation import gettext_lazy as _

from accounts import event_types, selectors
from accounts.errors import CredentialsInvalid, DetailsInvalid
from accounts.identifiers import parse_email
from accounts.models import Purpose, User
from accounts.services.mailing import mail_queue, mailed_tokens
from accounts.services.passwords import attempts
from accounts.types import FieldProblem
from cedrina_base.uuids import uuid7
from security_events.services import recording
from security_events.types import Outcome
from tokens.users import subject_of


def request(*, user: User, session_id: UUID, email: str, password: str, now: datetime | None = None) -> None:
    """Send a link to a new address and tell the present one at once; nothing else changes yet.

    Whether somebody has the new address is for the background worker to find out: the answer is the same, and an owner
    is written to instead. The link dies with the password and the address of this moment.

    Raises: DetailsInvalid, CredentialsInvalid, AttemptsExhausted, HashingBusy.
    """
    address = parse_email(email)
    if address is None:
        raise DetailsInvalid([FieldProblem("email", "email_invalid", _("This is not an e-mail address."))])
    checked = selectors.password_digest(user_id=user.pk)
    is_right = attempts.check_password_in_session(
        user=user, session_id=session_id, password=password, digest=checked, now=now
    )
    if is_right:
        with transaction.atomic():
            # As it is now: a password that changed while the hash was computed is no longer the right one.
            owner = User.objects.present().select_for_update(no_key=True).filter(pk=user.pk, is_active=True).first()
            is_right = owner is not None and owner.password == checked
            if owner is not None and is_right:
                _begin(user=owner, session_id=session_id, address=address, now=now)
    if not is_right:
        recording.record(
            event_types.EMAIL_CHANGE_REQUESTED,
            actor=subject_of(user),
            target=subject_of(user),
            outcome=Outcome.FAILURE,
            session_id=session_id,
            reasons=["wrong_password"],
            now=now,
        )
        raise CredentialsInvalid


def _begin(*, user: User, session_id: UUID, address: str, now: datetime | None) -> None:
    mail_id = uuid7()
    # Issued here and not by the worker: it is bound to the password that was just shown.
    mailed_tokens.issue(mail_id=mail_id, user=user, purpose=Purpose.CHANGE_EMAIL, address=address, now=now)
    mail_queue.enqueue(
        user_id=user.pk, kind=mail_queue.Kind.CONFIRM_NEW_EMAIL, address=address, mail_id=mail_id, now=now
    )
    mail_queue.enqueue(user_id=user.pk, kind=mail_queue.Kind.EMAIL_CHANGE_REQUESTED, now=now)
    recording.record(
        event_types.EMAIL_CHANGE_REQUESTED,
        actor=subject_of(user),
        target=subject_of(user),
        session_id=session_id,
        data={"to": address},
        now=now,
    )
