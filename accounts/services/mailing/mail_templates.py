"""Render a mail as text and HTML, in the language of its recipient."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from email.utils import parseaddr
from typing import Any
from urllib.parse import urlsplit
from uuid import UUID

from django.conf import settings
from django.template.loader import render_to_string
from django.utils import formats, translation
from django.utils.html import format_html
from django.utils.translation import gettext, ngettext

from accounts.branding.brand import current as current_brand
from accounts.branding.greetings import greeting_name
from accounts.client_tokens import proof_codes
from accounts.conf import account_settings
from accounts.identifiers.domains import ascii_domain
from accounts.identifiers.names import ascii_email
from accounts.models import MailedTokenPurpose, PendingRegistration, User
from accounts.services.mailing import mail_queue, mailed_tokens
from accounts.services.mailing.finding_texts import finding_text
from accounts.services.mailing.mail_messages import FACTOR_NAMES, MAIL_TEXTS, MEMBER_NAMES, PROVIDER_NAMES, MailText
from accounts.services.mailing.mail_queue import MailKind
from accounts.services.mailing.outgoing_message import OutgoingMessage, sender

# The page that the link of each kind opens, as in accounts.api.pages.urls. All other links open REPORT_PAGE.
LINK_PAGES = {
    MailKind.CONFIRM_EMAIL: "confirm-email",
    MailKind.CONFIRM_REGISTRATION: "confirm-email",
    MailKind.CONFIRM_NEW_EMAIL: "confirm-email",
    MailKind.RESET_PASSWORD: "reset-password",
    MailKind.CHOOSE_PASSWORD: "reset-password",
    MailKind.PASSWORD_SWITCHED_OFF: "reset-password",
    MailKind.FACTOR_RESET_REQUESTED: "stop-reset",
    MailKind.INVITATION: "reset-password",
    MailKind.RESET_BY_OPERATOR: "reset-password",
    MailKind.PASSWORD_RESET_REQUIRED: "reset-password",
}
REPORT_PAGE = "not-me"
# The purpose of the token of each kind; None: no token. The tokens of all other kinds report a takeover (DISOWN).
TOKEN_PURPOSES: Mapping[MailKind, MailedTokenPurpose | None] = {
    MailKind.CONFIRM_EMAIL: MailedTokenPurpose.CONFIRM_EMAIL,
    MailKind.CONFIRM_REGISTRATION: MailedTokenPurpose.OPEN_ACCOUNT,
    MailKind.CONFIRM_NEW_EMAIL: MailedTokenPurpose.CHANGE_EMAIL,
    MailKind.RESET_PASSWORD: MailedTokenPurpose.RESET_PASSWORD,
    MailKind.CHOOSE_PASSWORD: MailedTokenPurpose.RESET_PASSWORD,
    MailKind.PASSWORD_SWITCHED_OFF: MailedTokenPurpose.RESET_PASSWORD,
    MailKind.ADDRESS_ALREADY_REGISTERED: None,
    MailKind.EMAIL_RESTORED: None,
    MailKind.FACTOR_RESET_REQUESTED: MailedTokenPurpose.STOP_RESET,
    MailKind.FACTOR_RESET_STOPPED: None,
    MailKind.FACTOR_RESET_WITHDRAWN: None,
    MailKind.ATTACK_WARDED_OFF: None,
    MailKind.SINK_STOPPED: None,
    MailKind.SINK_RESUMED: None,
    # People can't undo what an operator did, but object to it. Only an address that was wrongly confirmed is theirs.
    **dict.fromkeys(mail_queue.CAUSED_BY_OPERATORS),
    MailKind.EMAIL_CONFIRMED_BY_OPERATOR: MailedTokenPurpose.DISOWN,
    MailKind.INVITATION: MailedTokenPurpose.INVITATION,
    MailKind.RESET_BY_OPERATOR: MailedTokenPurpose.RESET_PASSWORD,
    MailKind.PASSWORD_RESET_REQUIRED: MailedTokenPurpose.RESET_PASSWORD,
}
# A device chooses its own name. Without dots and slashes a mail program can't turn it into a link.
_DEVICE_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9 ()_+-]{0,59}")
_ADDRESS = re.compile(r"[0-9A-Fa-f.:]{2,45}")
_NETWORK = re.compile(r"[0-9A-Fa-f.:]{2,45}(/[0-9]{1,3})?")
_NUMBER = re.compile(r"[0-9]{1,3}")
_USERNAME = re.compile(r"[A-Za-z0-9_-]{3,50}")


@dataclass(frozen=True, slots=True)
class MailDraft:
    """What is needed to render one mail.

    ``token`` is that of the link, empty if there is none. ``expires_at`` is set if the token's lifetime does not start
    when the mail is sent.
    """

    mail_id: UUID
    kind: MailKind
    user: User | PendingRegistration
    address: str
    occurred_at: datetime
    token: str = field(default="", repr=False)
    details: Mapping[str, str] = field(default_factory=dict)
    expires_at: datetime | None = None


def compose(*, draft: MailDraft) -> OutgoingMessage:
    """Return the message with the same content as text and as HTML.

    The button's link is below PUBLIC_URL; the only other one leads back to APP_URL.
    """
    language = recipient_language(user=draft.user)
    with translation.override(language):
        text = MAIL_TEXTS[draft.kind]
        content = {
            "subject": text.subject,
            "username": draft.user.username,
            "greeting": _greeting(draft),
            "paragraphs": [paragraph % _text_params(draft) for paragraph in text.paragraphs],
            "facts": _facts(draft, text),
            "warning": text.warning % _text_params(draft) if text.warning else "",
            "button": text.button,
            "link": _link(draft, language),
            "is_alarm": text.is_alarm,
        }
        # Encoded here, because Django encodes domains by IDNA2003, which may yield another domain.
        to = [ascii_email(draft.address) or draft.address]
        return render(content=content, mail_id=draft.mail_id, to=to, language=language)


def render(*, content: Mapping[str, Any], mail_id: UUID, to: Sequence[str], language: str) -> OutgoingMessage:
    """Return a message in the active language, ``language``. ``content`` is what the templates show.

    Without a greeting, as in mails to operators, it speaks of the application instead of an account.
    """
    brand = current_brand()
    context = {
        **content,
        "brand": brand,
        "app_name": brand.name,
        "logo_id": logo_id(mail_id=mail_id).strip("<>"),
        "language": language,
        "is_right_to_left": translation.get_language_bidi(),
    }
    message = OutgoingMessage(
        subject=str(content["subject"]),
        from_email=sender(brand.name),
        body=render_to_string("accounts/mail/message.txt", context | _with_direction_marks(context)),
        to=list(to),
        headers={
            "Message-ID": message_id(mail_id=mail_id),
            "Auto-Submitted": "auto-generated",  # no automatic replies (RFC 3834, 5)
            "Content-Language": language,
        },
    )
    html = render_to_string("accounts/mail/message.html", context | {"marked": _in_bdi(context)})
    message.attach_alternative(html, "text/html")
    if brand.logo is not None:
        message.attach_logo(brand.logo, content_id=logo_id(mail_id=mail_id))
    return message


def has_token(kind: MailKind) -> bool:
    """Return whether the link of a kind of mail has a token."""
    return TOKEN_PURPOSES.get(kind, MailedTokenPurpose.DISOWN) is not None


def recipient_language(*, user: User | PendingRegistration) -> str:
    """Return the language of the mails to a user: their own, or the default if it is not supported."""
    return user.locale if user.locale in dict(settings.LANGUAGES) else settings.LANGUAGE_CODE


def message_id(*, mail_id: UUID) -> str:
    """Return the Message-ID of a mail, the same for each attempt to send it (RFC 5322, 3.6.4)."""
    own = parseaddr(settings.DEFAULT_FROM_EMAIL)[1].rpartition("@")[2]
    domain = urlsplit(account_settings.PUBLIC_URL).hostname or own
    domain = domain if domain.isascii() else ascii_domain(domain) or "localhost"
    return f"<{mail_id}@{domain if '.' in domain else f'{domain}.invalid'}>"


def logo_id(*, mail_id: UUID) -> str:
    """Return the Content-ID of the logo in a mail (RFC 2045, 7), with its brackets."""
    return message_id(mail_id=mail_id).replace("<", "<logo.", 1)


def _greeting(draft: MailDraft) -> str:
    """Return the name that the mail greets."""
    user = draft.user
    if draft.kind is MailKind.ADDRESS_ALREADY_REGISTERED:
        return user.username  # its text refers to "the username above"
    return greeting_name(full_name=user.full_name, username=user.username)


def _in_bdi(context: Mapping[str, Any]) -> dict[str, str]:
    """Return the names and addresses of the HTML, each in an element that keeps its direction from its surroundings."""
    brand = context["brand"]
    values = {
        "greeting": context["greeting"],
        "app_name": brand.name,
        "app_url": brand.url,
        "support_email": brand.support_email,
    }
    return {name: format_html("<bdi>{}</bdi>", value) for name, value in values.items()}


def _with_direction_marks(context: Mapping[str, Any]) -> dict[str, Any]:
    """Return values with the Unicode controls that keep each in order within plain text of another direction.

    The username only gets a mark in front of it, because people copy it with any character that follows it.
    """
    is_right_to_left, username = context["is_right_to_left"], context["username"]
    greeting, app_name = (
        _isolated(name) if name and (is_right_to_left or not name.isascii()) else name
        for name in (context["greeting"], context["app_name"])
    )
    if not is_right_to_left:
        return {"greeting": greeting, "app_name": app_name}
    return {
        "greeting": f"\N{LEFT-TO-RIGHT MARK}{username}" if username and context["greeting"] == username else greeting,
        "app_name": app_name,
        "facts": [(label, _isolated(value)) for label, value in context["facts"]],
    }


def _isolated(text: str) -> str:
    return f"\N{FIRST STRONG ISOLATE}{text}\N{POP DIRECTIONAL ISOLATE}"


def _text_params(draft: MailDraft) -> dict[str, str]:
    purpose = TOKEN_PURPOSES.get(draft.kind, MailedTokenPurpose.DISOWN)
    span = mailed_tokens.lifetime(purpose=purpose) if purpose else timedelta(0)
    code = proof_codes.code_of(mail_id=draft.mail_id) if draft.kind is MailKind.PROOF_CODE else ""
    return {
        "lifetime": _span(span),
        "expires": _moment(draft.expires_at) if draft.expires_at else "",
        "finding": str(finding_text(draft.details.get("rule", ""))),
        "code": f"{code[:4]}\N{NO-BREAK SPACE}{code[4:]}" if code else "",
    }


def _facts(draft: MailDraft, text: MailText) -> list[tuple[str, str]]:
    """Return the time and the details of the event, as pairs of a label and a value."""
    if not text.shows_circumstances:
        return []
    details = draft.details
    factor, provider = details.get("factor", ""), details.get("provider", "")
    found = [
        (gettext("When"), _moment(draft.occurred_at)),
        (gettext("Device"), _device(details.get("device", ""))),
        (gettext("Network address"), _if_matching(_ADDRESS, details.get("ip_address", ""))),
        (gettext("Network"), _if_matching(_NETWORK, details.get("network", ""))),
        (gettext("Factor"), str(FACTOR_NAMES.get(factor, ""))),
        (gettext("Service"), PROVIDER_NAMES.get(provider) or _if_matching(_DEVICE_NAME, provider)),
        (gettext("Account"), _if_matching(_USERNAME, details.get("account", ""))),
        (gettext("Until"), _parsed_moment(details.get("ends_at", ""))),
        (gettext("Changed"), _member_names(details.get("changed", ""))),
        (gettext("Recovery codes left"), _if_matching(_NUMBER, details.get("left", ""))),
        (gettext("Not before"), _parsed_moment(details.get("due_at", ""))),
        (gettext("The account is kept until"), _parsed_moment(details.get("erased_after", ""))),
    ]
    return [(label, value) for label, value in found if value]


def _member_names(text: str) -> str:
    """Return the names of the members of an account that ``text`` lists, separated by spaces."""
    return ", ".join(str(MEMBER_NAMES[name]) for name in text.split() if name in MEMBER_NAMES)


def _link(draft: MailDraft, language: str) -> str:
    """Return the address that the button opens. It is below PUBLIC_URL, whatever host the request was sent to."""
    base = f"{account_settings.PUBLIC_URL.rstrip('/')}/account"
    if draft.kind is MailKind.ADDRESS_ALREADY_REGISTERED:
        return f"{base}/forgot-password?lang={language}"
    if not draft.token:
        return ""
    return f"{base}/{LINK_PAGES.get(draft.kind, REPORT_PAGE)}/{draft.token}?lang={language}"


def _device(text: str) -> str:
    """Return the name that ``tokens.devices`` gave a device, in the language of the recipient."""
    name = _if_matching(_DEVICE_NAME, text)
    browser, has_both, system = name.partition(" on ")
    if not has_both:
        return name
    # Without the mark, two Latin names are displayed from left to right, with the system first.
    mark = "\N{RIGHT-TO-LEFT MARK}" if translation.get_language_bidi() else ""
    return mark + gettext("%(browser)s on %(system)s") % {"browser": browser, "system": system}


def _if_matching(shape: re.Pattern[str], text: str) -> str:
    return text if shape.fullmatch(text) else ""


def _moment(moment: datetime) -> str:
    return f"{formats.date_format(moment.astimezone(UTC), 'DATETIME_FORMAT')} UTC"


def _parsed_moment(text: str) -> str:
    """Format a time of RFC 3339 for the recipient; return an empty string for any other text."""
    try:
        moment = datetime.fromisoformat(text)
        return _moment(moment) if moment.tzinfo else ""
    except (ValueError, OverflowError):  # some times of the years 1 and 9999 have no equivalent in UTC
        return ""


def _span(span: timedelta) -> str:
    minutes = round(span.total_seconds() / 60)
    if minutes % 60 or not minutes:
        return ngettext("%(count)d minute", "%(count)d minutes", minutes) % {"count": minutes}
    hours, days = minutes // 60, span.days
    if days < 2 or span % timedelta(days=1):
        return ngettext("%(count)d hour", "%(count)d hours", hours) % {"count": hours}
    return ngettext("%(count)d day", "%(count)d days", days) % {"count": days}
