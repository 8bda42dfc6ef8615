"""Turn a mail into text and HTML, in the language of its reader."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from email.utils import parseaddr
from typing import Any
from urllib.parse import urlsplit
from uuid import UUID

from django.conf import settings
from django.core.mail import EmailMultiAlternatives
from django.template.loader import render_to_string
from django.utils import formats, translation
from django.utils.html import format_html
from django.utils.translation import gettext, ngettext

from accounts.conf import account_settings
from accounts.domains import ascii_domain
from accounts.identifiers import ascii_email
from accounts.models import PendingRegistration, Purpose, User
from accounts.services.mailing import mailed_tokens
from accounts.services.mailing.mail_messages import FACTORS, PROVIDERS, TEXTS, Text
from accounts.services.mailing.mail_queue import Kind

# Where a link of each kind leads; the pages' routes are made from the same names.
PAGES = {
    Kind.CONFIRM_EMAIL: "confirm-email",
    Kind.CONFIRM_REGISTRATION: "confirm-email",
    Kind.CONFIRM_NEW_EMAIL: "confirm-email",
    Kind.RESET_PASSWORD: "reset-password",
    Kind.CHOOSE_PASSWORD: "reset-password",
    Kind.PASSWORD_SWITCHED_OFF: "reset-password",
}
DISOWN_PAGE = "not-me"
# What the token of each kind is for; of those that are not listed, to report that it was somebody else.
PURPOSES: Mapping[Kind, Purpose | None] = {
    Kind.CONFIRM_EMAIL: Purpose.CONFIRM_EMAIL,
    Kind.CONFIRM_REGISTRATION: Purpose.OPEN_ACCOUNT,
    Kind.CONFIRM_NEW_EMAIL: Purpose.CHANGE_EMAIL,
    Kind.RESET_PASSWORD: Purpose.RESET_PASSWORD,
    Kind.CHOOSE_PASSWORD: Purpose.RESET_PASSWORD,
    Kind.PASSWORD_SWITCHED_OFF: Purpose.RESET_PASSWORD,
    Kind.ADDRESS_ALREADY_REGISTERED: None,
    Kind.EMAIL_RESTORED: None,
}
# A device names itself: without dots and slashes it can't pass for a link.
_HARMLESS = re.compile(r"[A-Za-z0-9][A-Za-z0-9 ()_+-]{0,59}")
_ADDRESS = re.compile(r"[0-9A-Fa-f.:]{2,45}")
_NUMBER = re.compile(r"[0-9]{1,3}")


@dataclass(frozen=True, slots=True)
class Letter:
    """One mail to be written: what about, to whom, and the token of its link.

    ``expires_at`` is until when that is good, where it does not count from the sending.
    """

    mail_id: UUID
    kind: Kind
    user: User | PendingRegistration
    address: str
    occurred_at: datetime
    token: str = field(default="", repr=False)
    details: Mapping[str, str] = field(default_factory=dict)
    expires_at: datetime | None = None


def compose(*, letter: Letter) -> EmailMultiAlternatives:
    """Return the message, in text and HTML with the same content; every link leads to PUBLIC_URL."""
    language = reading_language(user=letter.user)
    with translation.override(language):
        text = TEXTS[letter.kind]
        context = {
            "subject": text.subject,
            "username": letter.user.username,
            "paragraphs": [paragraph % _words(letter) for paragraph in text.paragraphs],
            "facts": _facts(letter, text),
            "warning": text.warning % _words(letter) if text.warning else "",
            "button": text.button,
            "link": _link(letter, language),
            "is_alarm": text.is_alarm,
            "public_url": account_settings.PUBLIC_URL,
            "language": language,
            "is_right_to_left": translation.get_language_bidi(),
        }
        message = EmailMultiAlternatives(
            subject=str(text.subject),
            body=render_to_string("accounts/mail/letter.txt", context | _directed(context)),
            # Django would encode the domain by IDNA2003, and that may be another one.
            to=[ascii_email(letter.address) or letter.address],
            headers={
                "Message-ID": message_id(mail_id=letter.mail_id),
                "Auto-Submitted": "auto-generated",  # RFC 3834: answering machines keep quiet
                "Content-Language": language,
            },
        )
        marked = {name: format_html("<bdi>{}</bdi>", context[name]) for name in ("username", "public_url")}
        html = render_to_string("accounts/mail/letter.html", context | {"marked": marked})
        message.attach_alternative(html, "text/html")
    return message


def reading_language(*, user: User | PendingRegistration) -> str:
    """Return the language that somebody is written to in."""
    return user.locale if user.locale in dict(settings.LANGUAGES) else settings.LANGUAGE_CODE


def message_id(*, mail_id: UUID) -> str:
    """Return the Message-ID of a mail, the same whenever it is handed over (RFC 5322, 3.6.4)."""
    sender = parseaddr(settings.DEFAULT_FROM_EMAIL)[1].rpartition("@")[2]
    domain = urlsplit(account_settings.PUBLIC_URL).hostname or sender
    domain = domain if domain.isascii() else ascii_domain(domain) or "localhost"
    return f"<{mail_id}@{domain if '.' in domain else f'{domain}.invalid'}>"


def _directed(context: Mapping[str, Any]) -> dict[str, Any]:
    """Return what plain text written from right to left needs to keep Latin names and addresses in their order.

    A name gets a mark in front alone, since what follows it would be copied together with it.
    """
    if not context["is_right_to_left"]:
        return {}
    return {
        "username": f"\N{LEFT-TO-RIGHT MARK}{context['username']}",
        "facts": [
            (label, f"\N{FIRST STRONG ISOLATE}{value}\N{POP DIRECTIONAL ISOLATE}") for label, value in context["facts"]
        ],
    }


def _words(letter: Letter) -> dict[str, str]:
    purpose = PURPOSES.get(letter.kind, Purpose.DISOWN)
    span = mailed_tokens.lifetime(purpose=purpose) if purpose else timedelta(0)
    return {"lifetime": _span(span), "expires": _moment(letter.expires_at) if letter.expires_at else ""}


def _facts(letter: Letter, text: Text) -> list[tuple[str, str]]:
    """Return when it happened and what else is known, as pairs of a label and a value."""
    if not text.shows_circumstances:
        return []
    details = letter.details
    factor, provider = details.get("factor", ""), details.get("provider", "")
    found = [
        (gettext("When"), _moment(letter.occurred_at)),
        (gettext("Device"), _device(details.get("device", ""))),
        (gettext("Network address"), _matching(_ADDRESS, details.get("ip_address", ""))),
        (gettext("Factor"), str(FACTORS.get(factor, ""))),
        (gettext("Service"), PROVIDERS.get(provider) or _matching(_HARMLESS, provider)),
        (gettext("Recovery codes left"), _matching(_NUMBER, details.get("left", ""))),
        (gettext("The account is kept until"), _written_moment(details.get("erased_after", ""))),
    ]
    return [(label, value) for label, value in found if value]


def _link(letter: Letter, language: str) -> str:
    """Return where the button leads: nowhere but below PUBLIC_URL, whatever request this mail came from."""
    base = f"{account_settings.PUBLIC_URL.rstrip('/')}/account"
    if letter.kind is Kind.ADDRESS_ALREADY_REGISTERED:
        return f"{base}/forgot-password?lang={language}"
    if not letter.token:
        return ""
    return f"{base}/{PAGES.get(letter.kind, DISOWN_PAGE)}/{letter.token}?lang={language}"


def _device(text: str) -> str:
    """Return the name that ``tokens.devices`` gave a device, in the language of the reader."""
    name = _matching(_HARMLESS, text)
    browser, has_both, system = name.partition(" on ")
    if not has_both:
        return name
    # Without the mark two Latin names would be read from left to right, the system before the browser.
    mark = "\N{RIGHT-TO-LEFT MARK}" if translation.get_language_bidi() else ""
    return mark + gettext("%(browser)s on %(system)s") % {"browser": browser, "system": system}


def _matching(shape: re.Pattern[str], text: str) -> str:
    return text if shape.fullmatch(text) else ""


def _moment(moment: datetime) -> str:
    return f"{formats.date_format(moment.astimezone(UTC), 'DATETIME_FORMAT')} UTC"


def _written_moment(text: str) -> str:
    """Return a moment of RFC 3339 as the reader writes it; empty for anything else."""
    try:
        moment = datetime.fromisoformat(text)
        return _moment(moment) if moment.tzinfo else ""
    except (ValueError, OverflowError):  # at the ends of time another zone's moment is none of ours
        return ""


def _span(span: timedelta) -> str:
    minutes = round(span.total_seconds() / 60)
    if minutes % 60 or not minutes:
        return ngettext("%(count)d minute", "%(count)d minutes", minutes) % {"count": minutes}
    hours, days = minutes // 60, span.days
    if days < 2 or span % timedelta(days=1):
        return ngettext("%(count)d hour", "%(count)d hours", hours) % {"count": hours}
    return ngettext("%(count)d day", "%(count)d days", days) % {"count": days}
