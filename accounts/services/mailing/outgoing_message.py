"""The message of a mail as it goes to the mail server: folded headers, and the logo beside the HTML."""

import base64
from email.header import Header
from email.message import Message
from email.mime.image import MIMEImage
from email.utils import formataddr, parseaddr
from typing import Any

from django.conf import settings
from django.core.mail import EmailMultiAlternatives

from accounts.branding.logo import Logo


class OutgoingMessage(EmailMultiAlternatives):
    """Text and HTML; pictures that the HTML shows are related to it (RFC 2387), not attached."""

    mixed_subtype = "related"

    def message(self, **options: Any) -> Any:
        """Return the message with a subject and a sender whose lines are folded where RFC 5322, 2.2.3 wants it.

        Django encodes them without the header's name in mind. The first encoded word fills a line alone, so that the
        line with the name in it stays empty, and some mail programs then show no subject.
        """
        message = super().message(**options)  # has refused line breaks in both headers
        # replace_header keeps the place of the header, and its value is encoded when its line is written.
        if not self.subject.isascii():
            message.replace_header("Subject", Header(str(self.subject), "utf-8", header_name="Subject"))
        name, address = parseaddr(str(self.from_email))
        if not name.isascii():
            sender = Header(name, "utf-8", header_name="From")
            sender.append(f"<{address}>", "us-ascii")
            message.replace_header("From", sender)
        return message

    def attach_logo(self, logo: Logo, *, content_id: str) -> None:
        """Add the logo, which the HTML shows by ``cid:`` and its id without the brackets (RFC 2392)."""
        picture = MIMEImage(logo.content, "png")
        picture["Content-ID"] = content_id
        picture["Content-Disposition"] = 'inline; filename="logo.png"'
        self.attach(picture)

    def standalone_html(self) -> str:
        """Return the HTML with its pictures inside, to show it outside of a mail program."""
        return with_pictures(str(self.alternatives[0][0]), self.message())


def with_pictures(html: str, message: Message) -> str:
    """Return the HTML of a message with ``data:`` URLs in place of the pictures that the message contains."""
    for part in message.walk():
        content, content_id = part.get_payload(decode=True), str(part.get("Content-ID", "")).strip("<>")
        if part.get_content_type() == "image/png" and content_id and isinstance(content, bytes):
            html = html.replace(f"cid:{content_id}", f"data:image/png;base64,{base64.b64encode(content).decode()}")
    return html


def sender(app_name: str) -> str:
    """Return the sender of mails: DEFAULT_FROM_EMAIL, with the application's name if that has none."""
    name, address = parseaddr(settings.DEFAULT_FROM_EMAIL)
    return settings.DEFAULT_FROM_EMAIL if name or not address else _mailbox(app_name, address)


def _mailbox(name: str, address: str) -> str:
    """Return a mailbox; unlike ``formataddr`` it leaves a name that is no ASCII as it is, for ``message`` to encode."""
    return formataddr((name, address)) if name.isascii() else f'"{name}" <{address}>'
