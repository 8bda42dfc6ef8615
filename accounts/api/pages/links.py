"""The pages that mailed links open."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.utils.translation import gettext

from accounts.api import device_cookie
from accounts.api.pages.base import MailedPage, form_field
from accounts.errors import (
    AccountError,
    AttemptsExhausted,
    CredentialsInvalid,
    DetailsInvalid,
    EmailTaken,
    MailedTokenInvalid,
    UsernameTaken,
)
from accounts.services.addresses import address_confirmation
from accounts.services.factors import factor_reset
from accounts.services.mailing import mailed_tokens
from accounts.services.passwords import password_reset
from accounts.services.profile import takeover
from accounts.services.sign_in.registration_confirmation import ConfirmationRequest
from cedrina_base import database_clock
from tokens.api.client import client_context

if TYPE_CHECKING:
    from collections.abc import Sequence

    from django.http import HttpRequest, HttpResponse


class ConfirmEmailPage(MailedPage):
    def get(self, request: HttpRequest, token: str) -> HttpResponse:
        if not address_confirmation.is_usable(token=token, now=database_clock.now()):
            return self._expired()
        return self.render("confirm_email")

    def post(self, request: HttpRequest, token: str) -> HttpResponse:
        """Confirm the address. If the browser has not registered or signed in before, ask for a password first.

        The GET request can't decide that: browsers don't send the device cookie when a link in a mail is followed.
        """
        password = form_field(request, "password")
        is_repeated = password == form_field(request, "password_again")
        if not is_repeated and not address_confirmation.is_address_change(token=token):
            return self._ask(token, [gettext("The two passwords are not the same.")])
        confirmation = ConfirmationRequest(
            password=password or None,
            device_token=device_cookie.read_token(request),
            client=client_context(request),
            must_choose=True,
        )
        try:
            outcome = address_confirmation.confirm(token=token, confirmation=confirmation, now=database_clock.now())
        except MailedTokenInvalid:
            return self._expired()
        except AttemptsExhausted as refusal:
            return self._refuse(429, str(refusal.message), refusal.retry_after)
        except (EmailTaken, UsernameTaken, CredentialsInvalid, DetailsInvalid) as refusal:
            return self._show_refusal(refusal, token=token, had_password=bool(password))
        return self.redirect_to_result(
            "email-changed" if outcome is address_confirmation.ConfirmationOutcome.CHANGED else "email-confirmed"
        )

    def _show_refusal(self, refusal: AccountError, *, token: str, had_password: bool) -> HttpResponse:
        if isinstance(refusal, DetailsInvalid):
            return self._ask(token, [str(problem.message) for problem in refusal.problems] if had_password else [])
        if isinstance(refusal, CredentialsInvalid):
            return self._ask(token, [gettext("The password is wrong.")])
        return self.render("message", status=409, title=str(refusal.message), text=gettext("Nothing was changed."))

    def _ask(self, token: str, errors: Sequence[str]) -> HttpResponse:
        is_change = address_confirmation.is_address_change(token=token)
        username = mailed_tokens.username(presented=token)
        context = {"asks_password": True, "is_change": is_change, "errors": errors, "username": username}
        return self.render("confirm_email", status=422, **context)

    def _expired(self) -> HttpResponse:
        return self.render("expired", status=400, expired="confirmation")


class ResetPasswordPage(MailedPage):
    def get(self, request: HttpRequest, token: str) -> HttpResponse:
        if not password_reset.is_usable(token=token, now=database_clock.now()):
            return self._expired()
        return self.render("reset_password", username=mailed_tokens.username(presented=token))

    def post(self, request: HttpRequest, token: str) -> HttpResponse:
        new_password = form_field(request, "new_password")
        if not password_reset.is_usable(token=token, now=database_clock.now()):
            return self._expired()
        if new_password != form_field(request, "new_password_again"):
            return self._again(token, [gettext("The two passwords are not the same.")])
        try:
            user = password_reset.reset(
                token=token, new_password=new_password, client=client_context(request), now=database_clock.now()
            )
        except MailedTokenInvalid:
            return self._expired()
        except DetailsInvalid as refusal:
            return self._again(token, [str(problem.message) for problem in refusal.problems])
        response = self.redirect_to_result("password-set")
        device_cookie.renew_after_reset(response, user=user)
        return response

    def _again(self, token: str, errors: Sequence[str]) -> HttpResponse:
        username = mailed_tokens.username(presented=token)
        return self.render("reset_password", status=422, errors=errors, username=username)

    def _expired(self) -> HttpResponse:
        return self.render("expired", status=400, expired="reset")


class StopResetPage(MailedPage):
    def get(self, request: HttpRequest, token: str) -> HttpResponse:
        if not factor_reset.is_stoppable(token=token, now=database_clock.now()):
            return self._expired()
        return self.render("stop_reset")

    def post(self, request: HttpRequest, token: str) -> HttpResponse:
        try:
            factor_reset.stop(token=token, now=database_clock.now())
        except MailedTokenInvalid:
            return self._expired()
        return self.redirect_to_result("reset-stopped")

    def _expired(self) -> HttpResponse:
        return self.render("expired", status=400, expired="stop_reset")


class NotMePage(MailedPage):
    def get(self, request: HttpRequest, token: str) -> HttpResponse:
        if not takeover.is_usable(token=token, now=database_clock.now()):
            return self._expired()
        return self.render("not_me")

    def post(self, request: HttpRequest, token: str) -> HttpResponse:
        try:
            report = takeover.report(token=token, now=database_clock.now())
        except MailedTokenInvalid:
            return self._expired()
        return self.redirect_to_result("reported" if report.is_restored else "closed")

    def _expired(self) -> HttpResponse:
        return self.render("expired", status=400, expired="report")
