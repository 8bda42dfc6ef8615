"""Take requests for mail from people who are not signed in, alike for whatever address they name.

The request records an event and leaves a job with the address, encrypted. Whether anybody has that address is looked up
by the background worker alone, so that neither the answer nor its time can tell (OWASP ASVS 5.0, 6.3.8 and 6.4.3).
"""

from collections.abc import Mapping
from datetime import datetime
from enum import StrEnum
from uuid import UUID

import structlog
from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from accounts import event_types, known_devices, selectors
from accounts.errors import DetailsInvalid
from accounts.identifiers import fold_email, parse_email
from accounts.services.mailing import mail_queue, registration_mail
from accounts.types import FieldProblem
from cedrina_base.uuids import uuid7
from security_events.catalogue import EventType
from security_events.services import recording
from security_events.types import Subject
from tokens import encryption

log = structlog.get_logger(__name__)

ANSWER_TASK = "accounts.answer_mail_request"
_PLACE = "accounts.answer_mail_request"  # what the encrypted address is bound to


class Wish(StrEnum):
    """What can be asked for."""

    CONFIRMATION = "confirmation"
    RESET = "reset"


_EVENTS: Mapping[Wish, EventType] = {
    Wish.CONFIRMATION: event_types.EMAIL_CONFIRMATION_REQUESTED,
    Wish.RESET: event_types.PASSWORD_RESET_REQUESTED,
}
_KINDS: Mapping[Wish, mail_queue.Kind] = {
    Wish.CONFIRMATION: mail_queue.Kind.CONFIRM_EMAIL,
    Wish.RESET: mail_queue.Kind.RESET_PASSWORD,
}


def take(*, wish: Wish, email: str, device_token: str = "", now: datetime | None = None) -> None:
    """Take a request for a link, by the same statements whoever the address belongs to.

    ``device_token`` is what the client shows to be recognised. Whether it is a known device of the address's owner is
    for the worker to find out, too.

    Raises: DetailsInvalid, for what is no address at all.
    """
    address = parse_email(email)
    if address is None:
        raise DetailsInvalid([FieldProblem("email", "email_invalid", _("This is not an e-mail address."))])
    with transaction.atomic():
        recording.record(_EVENTS[wish], actor=Subject(name=fold_email(address)), now=now)
        device = device_token if known_devices.device_id(device_token) else ""
        sealed = encryption.encrypt(f"{address}\n{device}", associated_data=_PLACE)
        mail_queue.defer(ANSWER_TASK, wish=str(wish), sealed_address=sealed, mail_id=str(uuid7()))


def answer(*, wish: Wish, sealed_address: str, mail_id: UUID, now: datetime | None = None) -> None:
    """Enqueue the mail that was asked for, if there is somebody to have it; run twice, it does so once.

    A registration that waits for its confirmation gets its link again, by which a password can be chosen, too. Whoever
    has neither, or a disabled or deleted account, gets no mail: that would help strangers fill mailboxes.
    """
    try:
        address, _, device = encryption.decrypt(sealed_address, associated_data=_PLACE).partition("\n")
    except encryption.DecryptionFailed:
        log.warning("mail_request_unreadable", mail_id=str(mail_id))  # its key was taken out of the configuration
        return
    user = selectors.user_by_identifier(name=address)
    if user is None:
        registration_mail.send_again(address=address, mail_id=mail_id, now=now)
    elif user.is_active:
        is_known = known_devices.recognise(device, user=user, now=now or timezone.now()) is not None
        mail_queue.enqueue(user_id=user.pk, kind=_KINDS[wish], mail_id=mail_id, is_known_device=is_known, now=now)
