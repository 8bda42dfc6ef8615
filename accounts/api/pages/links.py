"""The pages that mailed links lead to."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.utils.translation import gettext

from accounts import link_tokens
from accounts.api import device_cookie
from accounts.api.pages.base import MailedPage, field
from accounts.errors import (
    AccountError,
    AttemptsExhausted,
    CredentialsInvalid,
    DetailsInvalid,
    EmailTaken,
    MailedTokenInvalid,
    UsernameTaken,
)
from accounts.models import Purpose
from accounts.services.addresses import address_confirmation
from accounts.services.mailing import mailed_tokens
from accounts.services.passwords import password_reset
from accounts.services.profile import takeover
from accounts.services.sign_in.registration_confirmation import ConfirmationRequest
from tokens.api.client import client_context

if TYPE_CHECKING:
    from collections.abc import Sequence

    from django.http import HttpRequest, HttpResponse


class ConfirmEmailPage(MailedPage):
    def get(self, request: HttpRequest, token: str) -> HttpResponse:
        if not address_confirmation.is_usable(token=token):
            return self._expired()
        return self.show("confirm_email")

    def post(self, request: HttpRequest, token: str) -> HttpResponse:
        """Confirm; ask for a password first, unless the browser is one that registered or signed in.

        Not before the button is pressed: browsers don't send the cookie that tells when a link in mail is followed.
        """
        password = field(request, "password")
        if password != field(request, "password_again") and not self._is_change(token):
            return self._ask(token, [gettext("The two passwords are not the same.")])
        confirmation = ConfirmationRequest(
            password=password or None,
            device_token=device_cookie.read_token(request),
            client=client_context(request),
            must_choose=True,
        )
        try:
            outcome = address_confirmation.confirm(token=token, confirmation=confirmation)
        except MailedTokenInvalid:
            return self._expired()
        except AttemptsExhausted as refusal:
            return self._refuse(429, str(refusal.message), refusal.retry_after)
        except (EmailTaken, UsernameTaken, CredentialsInvalid, DetailsInvalid) as refusal:
            return self._refused(refusal, token=token, was_asked=bool(password))
        return self.done("email-changed" if outcome is address_confirmation.Outcome.CHANGED else "email-confirmed")

    def _refused(self, refusal: AccountError, *, token: str, was_asked: bool) -> HttpResponse:
        if isinstance(refusal, DetailsInvalid):
            return self._ask(token, [str(problem.message) for problem in refusal.problems] if was_asked else [])
        if isinstance(refusal, CredentialsInvalid):
            return self._ask(token, [gettext("The password is wrong.")])
        return self.show("message", status=409, title=str(refusal.message), text=gettext("Nothing was changed."))

    def _ask(self, token: str, errors: Sequence[str]) -> HttpResponse:
        return self.show(
            "confirm_email", status=422, asks_password=True, is_change=self._is_change(token), errors=errors
        )

    def _is_change(self, token: str) -> bool:
        link = link_tokens.parse(token)
        return link is not None and link.purpose is Purpose.CHANGE_EMAIL

    def _expired(self) -> HttpResponse:
        return self.show("expired", status=400, wish="confirmation")


class ResetPasswordPage(MailedPage):
    def get(self, request: HttpRequest, token: str) -> HttpResponse:
        if not mailed_tokens.is_usable(presented=token, purposes=(Purpose.RESET_PASSWORD,)):
            return self._expired()
        return self.show("reset_password")

    def post(self, request: HttpRequest, token: str) -> HttpResponse:
        new_password = field(request, "new_password")
        if not mailed_tokens.is_usable(presented=token, purposes=(Purpose.RESET_PASSWORD,)):
            return self._expired()
        if new_password != field(request, "new_password_again"):
            return self._again([gettext("The two passwords are not the same.")])
        try:
            user = password_reset.reset(token=token, new_password=new_password, client=client_context(request))
        except MailedTokenInvalid:
            return self._expired()
        except DetailsInvalid as refusal:
            return self._again([str(problem.message) for problem in refusal.problems])
        answer = self.done("password-set")
        device_cookie.renew_after_reset(answer, user=user)
        return answer

    def _again(self, errors: Sequence[str]) -> HttpResponse:
        return self.show("reset_password", status=422, errors=errors)

    def _expired(self) -> HttpResponse:
        return self.show("expired", status=400, wish="reset")


class NotMePage(MailedPage):
    def get(self, request: HttpRequest, token: str) -> HttpResponse:
        if not mailed_tokens.is_usable(presented=token, purposes=(Purpose.DISOWN,)):
            return self._expired()
        return self.show("not_me")

    def post(self, request: HttpRequest, token: str) -> HttpResponse:
        try:
            report = takeover.report(token=token)
        except MailedTokenInvalid:
            return self._expired()
        return self.done("reported" if report.is_restored else "closed")

    def _expired(self) -> HttpResponse:
        return self.show("expired", status=400, wish="disown")
