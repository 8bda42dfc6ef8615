"""``/dev/mail``: the mails that development has sent, and a preview of every kind in every language.

The links of these mails open accounts, so the pages only answer this machine, and only in development: the image and
the settings of production don't have them.
"""

import ipaddress
from collections.abc import Callable
from functools import wraps
from pathlib import Path
from typing import Any

from django.conf import settings
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import timezone, translation
from django.views.decorators.http import require_safe

from accounts.branding.brand import current
from accounts.services.mailing import mail_previews
from accounts.services.mailing.mail_queue import MailKind
from accounts.services.mailing.outgoing_message import OutgoingMessage, with_pictures
from cedrina.tooling.sent_mail import storage
from cedrina.tooling.sent_mail.storage import StoredMail

# Of the page around the mails: a frame of its own address, and nothing that a mail could add.
_PAGE_POLICY = (
    "default-src 'none'; style-src 'self'; img-src 'self'; frame-src 'self'; base-uri 'none'; frame-ancestors 'none'"
)
# Of the HTML of a mail: inline styles and the logo, no script, no form, nothing fetched. It overrules X-Frame-Options.
_MAIL_POLICY = (
    "default-src 'none'; style-src 'unsafe-inline'; img-src data:; form-action 'none'; base-uri 'none'; "
    "frame-ancestors 'self'; sandbox allow-popups allow-popups-to-escape-sandbox"
)


def _for_this_machine(view: Callable[..., HttpResponse]) -> Callable[..., HttpResponse]:
    """Answer 404 to other machines: HOST may let them reach a server of development."""

    @wraps(view)
    def answer(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        if not _is_loopback(getattr(request, "client_ip", None) or request.META.get("REMOTE_ADDR", "")):
            raise Http404
        response = view(request, *args, **kwargs)
        response["Cache-Control"] = "no-store"
        return response

    return require_safe(answer)


@_for_this_machine
def inbox(request: HttpRequest) -> HttpResponse:
    """List the mails, newest first, and the previews."""
    folder = _folder()
    return _page(
        request,
        "inbox",
        mails=storage.newest_first(folder) if folder else [],
        has_folder=folder is not None,
        kinds=[kind.value for kind in MailKind],
    )


@_for_this_machine
def mail(request: HttpRequest, name: str) -> HttpResponse:
    """Show a mail: its headers, its text, and its HTML in a frame."""
    stored = _stored(name)
    message = stored.message
    return _page(
        request,
        "mail",
        title=message["Subject"],
        headers=[(header, str(value)) for header, value in message.items()],
        text=stored.text,
        frame=f"/dev/mail/{name}/html",
    )


@_for_this_machine
def mail_html(request: HttpRequest, name: str) -> HttpResponse:
    """Return the HTML of a mail, for the frame."""
    stored = _stored(name)
    return _mail_response(with_pictures(stored.html, stored.message))


@_for_this_machine
def preview(request: HttpRequest, kind: str, language: str) -> HttpResponse:
    """Show a mail of a kind with sample data."""
    message = _sample(kind, language)
    return _page(
        request,
        "mail",
        title=message.subject,
        headers=[("From", message.from_email), ("Subject", message.subject)],
        text=message.body,
        frame=f"/dev/mail/preview/{kind}/{language}/html",
    )


@_for_this_machine
def preview_html(request: HttpRequest, kind: str, language: str) -> HttpResponse:
    """Return the HTML of a preview, for the frame."""
    return _mail_response(_sample(kind, language).standalone_html())


def _sample(kind: str, language: str) -> OutgoingMessage:
    found = next((each for each in MailKind if each == kind), None)
    if found is None or language not in dict(settings.LANGUAGES):
        raise Http404
    return mail_previews.sample(kind=found, language=language, now=timezone.now())


def _stored(name: str) -> StoredMail:
    folder = _folder()
    stored = storage.find(name, folder=folder) if folder else None
    if stored is None:
        raise Http404
    return stored


def _folder() -> Path | None:
    """Return where mails are stored; ``None`` if EMAIL_URL sends them elsewhere."""
    path = getattr(settings, "EMAIL_FILE_PATH", None)
    return Path(path) if path else None


def _is_loopback(address: str) -> bool:
    try:
        return ipaddress.ip_address(address).is_loopback
    except ValueError:
        return False


def _page(request: HttpRequest, template: str, **context: Any) -> HttpResponse:
    # As all tools of development, the pages around the mails are English.
    with translation.override("en"):
        context |= {"brand": current(), "languages": [code for code, _name in settings.LANGUAGES]}
        response = render(request, f"sent_mail/{template}.html", context)
    response["Content-Security-Policy"] = _PAGE_POLICY
    return response


def _mail_response(html: str) -> HttpResponse:
    response = HttpResponse(html)
    response["Content-Security-Policy"] = _MAIL_POLICY
    return response
