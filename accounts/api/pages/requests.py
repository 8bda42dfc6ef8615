"""The pages that request a mail, and the page that shows the result."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from django.utils.translation import gettext_lazy as _

from accounts.api import device_cookie
from accounts.api.pages.base import MailedPage, form_field
from accounts.errors import DetailsInvalid
from accounts.services.mailing import mail_requests
from cedrina_base import database_clock

if TYPE_CHECKING:
    from django.http import HttpRequest, HttpResponse


class MailRequestPage(MailedPage):
    """A form for an address. The response is the same for all addresses."""

    requested: ClassVar[mail_requests.RequestedMail]
    template: ClassVar[str]

    def get(self, request: HttpRequest) -> HttpResponse:
        return self.render(self.template)

    def post(self, request: HttpRequest) -> HttpResponse:
        email = form_field(request, "email")
        try:
            mail_requests.submit(
                requested=self.requested,
                email=email.strip(),
                device_token=device_cookie.read_token(request),
                now=database_clock.now(),
            )
        except DetailsInvalid as refusal:
            errors = [str(problem.message) for problem in refusal.problems]
            return self.render(self.template, status=422, errors=errors, email=email)
        return self.redirect_to_result("mail-sent")


class ForgotPasswordPage(MailRequestPage):
    requested = mail_requests.RequestedMail.RESET
    template = "forgot_password"


class ResendConfirmationPage(MailRequestPage):
    requested = mail_requests.RequestedMail.CONFIRMATION
    template = "resend_confirmation"


_RESULTS = {
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
    "reset-stopped": (
        _("Your second factor stays"),
        _(
            "Nothing was changed, and the operator of this service is told. If you didn’t ask for the removal, choose "
            "a new password."
        ),
    ),
    "mail-sent": (
        _("Look into your mailbox"),
        _("If there is something to send to this address, a mail is on its way. Look among unwanted mail, too."),
    ),
}


class ResultPage(MailedPage):
    http_method_names = ["get", "head"]

    def get(self, request: HttpRequest, what: str) -> HttpResponse:
        if what not in _RESULTS:
            return self.render("message", status=404, title=_("There is nothing here."))
        title, text = _RESULTS[what]
        return self.render("message", title=title, text=text, is_good=True)
