"""The mail backend of development: it delivers to a folder, which ``/dev/mail`` shows."""

from collections.abc import Sequence
from pathlib import Path

from django.conf import settings
from django.core.mail import EmailMessage
from django.core.mail.backends.base import BaseEmailBackend

from cedrina.tooling.sent_mail import storage


class FolderBackend(BaseEmailBackend):
    """Stores mails in the folder EMAIL_FILE_PATH."""

    def send_messages(self, email_messages: Sequence[EmailMessage]) -> int:
        """Store the mails.

        Raises: OSError when the folder can't be written, so that the worker tries again.
        """
        folder = Path(settings.EMAIL_FILE_PATH)  # type: ignore[misc]  # no setting of the tests, which mypy reads
        for message in email_messages:
            storage.store(message.message().as_bytes(), folder=folder)
        return len(email_messages)
