"""The pages that mailed links lead to."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.utils.translation import gettext

from accounts.api import device_cookie
from accounts.api.pages.base import MailedPage, field
from accounts.errors import DetailsInvalid, EmailTaken, MailedTokenInvalid
from accounts.models import Purpose
from accounts.services import confirmation, mailed_tokens, recovery, takeover
from tokens.api.client import client_context

if TYPE_CHECKING:
    from collections.abc import Sequence

    from django.http import HttpRequest, HttpResponse


class ConfirmEmailPage(MailedPage):
    def get(self, request: HttpRequest, token: str) -> HttpResponse:  # noqa: ARG002 - Django's signature
        if not mailed_tokens.is_usable(presented=token, purposes=confirmation.PURPOSES):
            return self._expired()
        return self.show("confirm_email")

    def post(self, request: HttpRequest, token: str) -> HttpResponse:  # noqa: ARG002
        try:
            outcome = confirmation.confirm(token=token)
        except MailedTokenInvalid:
            return self._expired()
        except EmailTaken as taken:
            return self.show("message", status=409, title=str(taken.message), text=gettext("Nothing was changed."))
        return self.done("email-confirmed" if outcome is confirmation.Outcome.CONFIRMED else "email-changed")

    def _expired(self) -> HttpResponse:
        return self.show("expired", status=400, wish="confirmation")


class ResetPasswordPage(MailedPage):
    def get(self, request: HttpRequest, token: str) -> HttpResponse:  # noqa: ARG002
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
            user = recovery.reset(token=token, new_password=new_password, client=client_context(request))
        except MailedTokenInvalid:
            return self._expired()
        except DetailsInvalid as refusal:
            return self._again([str(problem.message) for problem in refusal.problems])
        answer = self.done("password-set")
        device_cookie.keep_after_reset(answer, user=user)
        return answer

    def _again(self, errors: Sequence[str]) -> HttpResponse:
        return self.show("reset_password", status=422, errors=errors)

    def _expired(self) -> HttpResponse:
        return self.show("expired", status=400, wish="reset")


class NotMePage(MailedPage):
    def get(self, request: HttpRequest, token: str) -> HttpResponse:  # noqa: ARG002
        if not mailed_tokens.is_usable(presented=token, purposes=(Purpose.DISOWN,)):
            return self._expired()
        return self.show("not_me")

    def post(self, request: HttpRequest, token: str) -> HttpResponse:  # noqa: ARG002
        try:
            report = takeover.report(token=token)
        except MailedTokenInvalid:
            return self._expired()
        return self.done("reported" if report.is_restored else "closed")

    def _expired(self) -> HttpResponse:
        return self.show("expired", status=400, wish="disown")
