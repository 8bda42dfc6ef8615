"""The mail backend of development: it writes one line for each mail and passes the mail on to another backend."""

import re
from collections.abc import Sequence
from typing import Any

from django.conf import settings
from django.core.mail import EmailMessage, get_connection
from django.core.mail.backends.base import BaseEmailBackend

from cedrina.operations.console_lines import log_mail

_URL = re.compile(r"https?://[^\s<>]+")


class MailLineBackend(BaseEmailBackend):
    """Passes mails on to ``settings.MAIL_LINES["BACKEND"]`` and logs those that it took."""

    def __init__(self, fail_silently: bool = False, **options: Any) -> None:
        super().__init__(fail_silently=fail_silently)
        self._backend = get_connection(settings.MAIL_LINES["BACKEND"], fail_silently=fail_silently, **options)

    def open(self) -> bool | None:
        return self._backend.open()

    def close(self) -> None:
        self._backend.close()

    def send_messages(self, email_messages: Sequence[EmailMessage]) -> int:
        sent = self._backend.send_messages(email_messages) or 0
        for message in email_messages:
            log_mail(recipient=", ".join(message.recipients()), subject=str(message.subject), link=link_of(message))
        return sent


def link_of(message: EmailMessage) -> str:
    """Return the first link in the text of a mail that leads to one of our pages; empty if there is none."""
    home = settings.PUBLIC_URL.rstrip("/")
    found = _URL.findall(str(message.body))
    return next((url for url in found if url.startswith(f"{home}/account/")), next(iter(found), ""))
