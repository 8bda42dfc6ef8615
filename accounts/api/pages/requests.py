"""The pages that ask for a mail, and the one that says what was done."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from django.utils.translation import gettext_lazy as _

from accounts.api import device_cookie
from accounts.api.pages.base import MailedPage, field
from accounts.errors import DetailsInvalid
from accounts.services.mailing import mail_requests

if TYPE_CHECKING:
    from django.http import HttpRequest, HttpResponse


class RequestPage(MailedPage):
    """Ask for an address and write to it, alike for all addresses."""

    wish: ClassVar[mail_requests.Wish]
    template: ClassVar[str]

    def get(self, request: HttpRequest) -> HttpResponse:
        return self.show(self.template)

    def post(self, request: HttpRequest) -> HttpResponse:
        email = field(request, "email")
        try:
            mail_requests.take(wish=self.wish, email=email.strip(), device_token=device_cookie.read_token(request))
        except DetailsInvalid as refusal:
            errors = [str(problem.message) for problem in refusal.problems]
            return self.show(self.template, status=422, errors=errors, email=email)
        return self.done("mail-sent")


class ForgotPasswordPage(RequestPage):
    wish = mail_requests.Wish.RESET
    template = "forgot_password"


class ResendConfirmationPage(RequestPage):
    wish = mail_requests.Wish.CONFIRMATION
    template = "resend_confirmation"


_DONE = {
    "email-confirmed": (_("Your address is confirmed"), _("You can close this page and sign in.")),
    "email-changed": (
        _("Your address was changed"),
        _("From now on we write to the new one. You can close this page."),
    ),
    "password-set": (
        _("Your new password is set"),
        _("All sessions were ended. Sign in with the new password. If you have a second factor, it is asked for."),
    ),
    "reported": (
        _("Your account is safe"),
        _("All sessions were ended and the password was switched off. We have sent you a link to choose a new one."),
    ),
    "closed": (
        _("Your account is closed for now"),
        _(
            "All sessions were ended. Somebody else has your former address, so we can’t send you a link: ask the "
            "operator of this service for help."
        ),
    ),
    "mail-sent": (
        _("Look into your mailbox"),
        _("If there is something to send to this address, a mail is on its way. Look among unwanted mail, too."),
    ),
}


class DonePage(MailedPage):
    http_method_names = ["get", "head"]

    def get(self, request: HttpRequest, what: str) -> HttpResponse:
        if what not in _DONE:
            return self.show("message", status=404, title=_("There is nothing here."))
        title, text = _DONE[what]
        return self.show("message", title=title, text=text, is_good=True)
