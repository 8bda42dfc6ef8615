"""Requests for mail by people who are not signed in.

A request records an event and defers a job with the address, encrypted. Only the background worker looks up whether the
address has an account. So neither the response nor its time reveals it (OWASP ASVS 5.0, 6.3.8 and 6.4.3).
"""

from collections.abc import Mapping
from datetime import datetime
from enum import StrEnum
from uuid import UUID

import structlog
from django.db import transaction
from django.utils.translation import gettext_lazy as _

from accounts import event_types, selectors
from accounts.client_tokens import known_devices
from accounts.errors import DetailsInvalid
from accounts.identifiers.names import fold_email, parse_email
from accounts.services.mailing import mail_queue, registration_mail
from accounts.services.mailing.mail_queue import MailKind
from accounts.types import FieldProblem
from cedrina_base.uuids import uuid7
from security_events.catalogue import EventType
from security_events.services import deduplication
from security_events.types import Outcome, Subject
from tokens import encryption

log = structlog.get_logger(__name__)

PROCESS_TASK = "accounts.answer_mail_request"
_ASSOCIATED_DATA = "accounts.answer_mail_request"  # of the encrypted address: no other field can be decrypted as one


class RequestedMail(StrEnum):
    """The mails that can be requested."""

    CONFIRMATION = "confirmation"
    RESET = "reset"


_EVENTS: Mapping[RequestedMail, EventType] = {
    RequestedMail.CONFIRMATION: event_types.EMAIL_CONFIRMATION_REQUESTED,
    RequestedMail.RESET: event_types.PASSWORD_RESET_REQUESTED,
}
_KINDS: Mapping[RequestedMail, MailKind] = {
    RequestedMail.CONFIRMATION: MailKind.CONFIRM_EMAIL,
    RequestedMail.RESET: MailKind.RESET_PASSWORD,
}


def submit(*, requested: RequestedMail, email: str, device_token: str = "", now: datetime) -> None:
    """Store a request for a mail. The statements are the same for all addresses.

    ``device_token``: the device cookie that came with the request. Only the worker finds out whether it belongs to a
    known device of the owner of the address.

    Raises: DetailsInvalid when the text is not an address.
    """
    address = parse_email(email)
    if address is None:
        raise DetailsInvalid([FieldProblem("email", "email_invalid", _("This is not an e-mail address."))])
    with transaction.atomic():
        # Anybody can ask for any number of addresses: what is asked for too often is only counted.
        asked_for = Subject(name=fold_email(address))
        deduplication.record(_EVENTS[requested], actor=asked_for, outcome=Outcome.SUCCESS, now=now)
        device = device_token if known_devices.device_id(device_token) else ""
        sealed = encryption.encrypt(f"{address}\n{device}", associated_data=_ASSOCIATED_DATA)
        mail_queue.defer(PROCESS_TASK, wish=str(requested), sealed_address=sealed, mail_id=str(uuid7()))


def process(*, requested: RequestedMail, sealed_address: str, mail_id: UUID, now: datetime) -> None:
    """Enqueue the requested mail if the address has an account or a registration; a second call does nothing.

    A pending registration gets its link again, whatever was requested: the page of that link lets people choose a
    password, too. Addresses without either, and disabled and deleted accounts, get no mail, so that strangers can't
    fill mailboxes.
    """
    try:
        address, _, device = encryption.decrypt(sealed_address, associated_data=_ASSOCIATED_DATA).partition("\n")
    except encryption.DecryptionFailed:
        log.warning("mail_request_unreadable", mail_id=str(mail_id))  # its key is no longer configured
        return
    user = selectors.user_by_identifier(name=address)
    if user is None:
        registration_mail.enqueue_again(address=address, mail_id=mail_id, now=now)
    elif user.is_active:
        is_known_device = known_devices.recognise(device, user=user, now=now) is not None
        mail_queue.enqueue(
            user_id=user.pk, kind=_KINDS[requested], mail_id=mail_id, is_known_device=is_known_device, now=now
        )
