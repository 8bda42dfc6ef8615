"""The admin site: its sign-in is limited and takes the second factor, and passwords are changed in the API alone."""

from typing import Any

from django.contrib.admin import AdminSite
from django.shortcuts import redirect
from django.template.response import TemplateResponse
from django.urls import path, reverse
from django.utils import timezone
from django.utils.decorators import method_decorator
from django.utils.http import url_has_allowed_host_and_scheme
from django.utils.translation import gettext_lazy as _
from django.views.decorators.cache import never_cache

from accounts import selectors
from accounts.administration import admin_second_step, admin_sessions
from accounts.administration.admin_second_step import CodeForm, PasswordAccepted, PasswordForm, Waiting
from accounts.api import device_cookie
from accounts.errors import AttemptsExhausted, HashingBusy, MfaCodeInvalid, SignInChallengeInvalid
from accounts.page_limits import RETRY_AFTER, Form, is_limited
from accounts.services.administration import admin_sign_in
from accounts.services.administration.admin_sign_in import AdminSignIn
from accounts.types import FactorMethod
from tokens.api.client import client_context

_CODES = {FactorMethod.TOTP, FactorMethod.RECOVERY_CODE}
_NOT_OURS = {"password_change", "password_change_done"}


class GuardedAdminSite(AdminSite):
    """Django's admin for operators."""

    site_header = _("Cedrina")
    site_title = _("Cedrina")
    index_title = _("Overview")
    site_url = None
    login_form = PasswordForm

    @method_decorator(never_cache)
    def login(self, request: Any, extra_context: dict[str, Any] | None = None) -> Any:
        """Sign staff in, a few attempts a minute for each client address."""
        if request.method == "POST" and is_limited(request, Form.ADMIN_LOGIN):
            return self._too_many_attempts(request, RETRY_AFTER)
        try:
            response = super().login(request, extra_context)
        except PasswordAccepted as accepted:
            return self._go_on(request, accepted.user)
        refusal = getattr(request, "sign_in_refusal", None)
        if refusal is None:
            return response
        status = 503 if isinstance(refusal, HashingBusy) else 429
        return self._too_many_attempts(request, refusal.retry_after, status=status)

    @method_decorator(never_cache)
    def logout(self, request: Any, extra_context: dict[str, Any] | None = None) -> Any:
        """Sign out by a form: the browser's session ends, and with it the one that people see in their list."""
        if request.method == "POST":
            admin_sessions.end(request)
        return super().logout(request, extra_context)

    @method_decorator(never_cache)
    def second_factor(self, request: Any) -> Any:
        """Ask somebody whose password was right for a code, and sign them in."""
        waiting = admin_second_step.waiting(request)
        if waiting is None:
            return self._back_to_password()
        if request.method == "POST" and is_limited(request, Form.ADMIN_LOGIN):
            return self._too_many_attempts(request, RETRY_AFTER)
        form = CodeForm(request.POST if request.method == "POST" else None)
        if not form.is_valid():
            return self._code_page(request, waiting, form)
        return self._take(request, waiting, form)

    def _go_on(self, request: Any, user: Any) -> Any:
        if user.is_mfa_enabled:
            admin_second_step.begin(request, user=user)
            return redirect(reverse("admin:second_factor", current_app=self.name))
        try:
            signed_in = admin_sign_in.admit(user=user, client=client_context(request))
        except SignInChallengeInvalid:
            return self._back_to_password()
        return self._let_in(request, signed_in, wanted=request.POST.get("next", request.GET.get("next", "")))

    def _let_in(self, request: Any, signed_in: AdminSignIn, *, wanted: str) -> Any:
        admin_sessions.begin(request, signed_in)
        response = redirect(self._destination(request, wanted))
        device_cookie.keep(response, request=request, user=signed_in.user)
        return response

    def _take(self, request: Any, waiting: Waiting, form: CodeForm) -> Any:
        try:
            signed_in = admin_sign_in.complete(
                user_id=waiting.user_id,
                bound_to=waiting.bound_to,
                response=form.response(),
                now=timezone.now(),
                client=client_context(request),
                device_token=device_cookie.presented(request),
            )
        except SignInChallengeInvalid:
            admin_second_step.forget(request)
            return self._back_to_password()
        except (MfaCodeInvalid, AttemptsExhausted) as refusal:
            form.add_error("code", str(refusal.message))
            return self._code_page(request, waiting, form)
        admin_second_step.forget(request)
        return self._let_in(request, signed_in, wanted=waiting.next)

    def get_urls(self) -> list[Any]:
        """Leave out Django's password form, which would change a password and neither end sessions nor tell anybody."""
        ours = [path("login/second-factor/", self.second_factor, name="second_factor")]
        return ours + [url for url in super().get_urls() if getattr(url, "name", None) not in _NOT_OURS]

    def _code_page(self, request: Any, waiting: Waiting, form: CodeForm) -> TemplateResponse:
        methods = selectors.factor_methods(user_id=waiting.user_id)
        context = {
            **self.each_context(request),
            "title": _("Log in"),
            "form": form,
            "has_application": FactorMethod.TOTP in methods,
            "has_codes": bool(_CODES & set(methods)),
        }
        return TemplateResponse(request, "admin/second_factor.html", context)

    def _too_many_attempts(self, request: Any, retry_after: int, *, status: int = 429) -> TemplateResponse:
        return TemplateResponse(
            request,
            "admin/too_many_attempts.html",
            {**self.each_context(request), "title": _("Too many attempts"), "retry_after": retry_after},
            status=status,
            headers={"Retry-After": str(retry_after)},
        )

    def _back_to_password(self) -> Any:
        return redirect(reverse("admin:login", current_app=self.name))

    def _destination(self, request: Any, wanted: str) -> str:
        is_ours = url_has_allowed_host_and_scheme(
            wanted, allowed_hosts={request.get_host()}, require_https=request.is_secure()
        )
        return wanted if is_ours else reverse("admin:index", current_app=self.name)
