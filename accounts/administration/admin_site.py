"""The admin site: its sign-in is rate limited and requires the second factor; passwords are changed in the API only."""

from typing import Any

from django.contrib.admin import AdminSite, autodiscover
from django.shortcuts import redirect
from django.template.response import TemplateResponse
from django.urls import path, reverse
from django.utils.decorators import method_decorator
from django.utils.http import url_has_allowed_host_and_scheme
from django.utils.translation import gettext_lazy as _
from django.views.decorators.cache import never_cache

from accounts.administration import admin_reauthentication, admin_second_factor, admin_sessions, object_history
from accounts.administration.admin_factor_form import FactorForm
from accounts.administration.admin_second_factor import PasswordAccepted, PasswordForm
from accounts.administration.stopped_resets import warn_of_stopped_resets
from accounts.api import device_cookie
from accounts.api.form_limits import RETRY_AFTER, LimitedForm, is_limited
from accounts.conf import account_settings
from accounts.errors import AttemptsExhausted, HashingBusy, MfaCodeInvalid, SignInChallengeInvalid
from accounts.rules import admin_access
from accounts.services.administration import admin_sign_in
from accounts.services.administration.admin_sign_in import AdminSession, PendingAdminSignIn
from accounts.types import FactorMethod
from cedrina_base import database_clock
from tokens.api.client import client_context

# Django's password form would neither end sessions nor notify the user.
_EXCLUDED_URLS = {"password_change", "password_change_done"}


class MfaAdminSite(AdminSite):
    """Django's admin, with rate limits and a second factor at the sign-in."""

    index_title = _("Overview")
    site_url = None
    login_form = PasswordForm

    @property
    def site_header(self) -> str:  # type: ignore[override]  # Django has an attribute; this reads the setting
        """The application's name, in the header of each page."""
        return account_settings.APP_NAME

    @property
    def site_title(self) -> str:  # type: ignore[override]  # as above
        """The application's name, in the title of each page."""
        return account_settings.APP_NAME

    def has_permission(self, request: Any) -> bool:
        """Return whether somebody may use the admin now; Django would ask the column ``is_staff``."""
        return bool(request.user.is_authenticated) and admin_access.may_use_admin(request.user, at=database_clock.now())

    @method_decorator(never_cache)
    def login(self, request: Any, extra_context: dict[str, Any] | None = None) -> Any:
        """Sign staff in. Each client address has a few attempts a minute."""
        if request.method == "POST" and is_limited(request, LimitedForm.ADMIN_LOGIN):
            return self._too_many_attempts(request, RETRY_AFTER)
        try:
            response = super().login(request, extra_context)
        except PasswordAccepted as accepted:
            return self._after_password(request, accepted.user)
        refusal = getattr(request, "sign_in_refusal", None)
        if refusal is None:
            return response
        status = 503 if isinstance(refusal, HashingBusy) else 429
        return self._too_many_attempts(request, refusal.retry_after, status=status)

    @method_decorator(never_cache)
    def index(self, request: Any, extra_context: dict[str, Any] | None = None) -> Any:
        """Show the overview, with a warning of each reset of a second factor that its owner has stopped."""
        warn_of_stopped_resets(request, now=database_clock.now())
        return super().index(request, extra_context)

    @method_decorator(never_cache)
    def logout(self, request: Any, extra_context: dict[str, Any] | None = None) -> Any:
        """Sign out on POST: end the browser's session and the session of ``tokens``."""
        if request.method == "POST":
            admin_sessions.end(request)
        return super().logout(request, extra_context)

    @method_decorator(never_cache)
    def second_factor(self, request: Any) -> Any:
        """Verify the second factor of a user whose password was right, and sign them in."""
        pending = admin_second_factor.pending_sign_in(request, now=database_clock.now())
        if pending is None:
            return self._redirect_to_login()
        if request.method == "POST" and is_limited(request, LimitedForm.ADMIN_LOGIN):
            return self._too_many_attempts(request, RETRY_AFTER)
        form = FactorForm(request.POST if request.method == "POST" else None)
        try:
            signed_in = self._signed_in(request, pending, form) if form.is_valid() else None
            if signed_in is None:
                return self._factor_page(request, pending, form)
        except SignInChallengeInvalid:
            admin_second_factor.discard(request)
            return self._redirect_to_login()
        next_url = admin_second_factor.next_url(request)
        admin_second_factor.discard(request)
        return self._log_in(request, signed_in, next_url=next_url)

    def _after_password(self, request: Any, user: Any) -> Any:
        if user.is_mfa_enabled:
            admin_second_factor.begin(request, user=user, now=database_clock.now())
            return redirect(reverse("admin:second_factor", current_app=self.name))
        try:
            signed_in = admin_sign_in.complete_sign_in(
                user=user,
                client=client_context(request),
                device_token=device_cookie.read_token(request),
                now=database_clock.now(),
            )
        except SignInChallengeInvalid:
            return self._redirect_to_login()
        return self._log_in(request, signed_in, next_url=request.POST.get("next", request.GET.get("next", "")))

    def _log_in(self, request: Any, signed_in: AdminSession, *, next_url: str) -> Any:
        admin_sessions.begin(request, signed_in)
        response = redirect(self._safe_url(request, next_url))
        device_cookie.renew(response, request=request, user=signed_in.user)
        return response

    def _signed_in(self, request: Any, pending: PendingAdminSignIn, form: FactorForm) -> AdminSession | None:
        """Verify what was sent; ``None`` if it is wrong, which the form says then."""
        try:
            return admin_sign_in.complete_mfa_sign_in(
                pending=pending,
                response=form.response(),
                client=client_context(request),
                device_token=device_cookie.read_token(request),
                now=database_clock.now(),
            )
        except (MfaCodeInvalid, AttemptsExhausted) as refusal:
            form.add_error(None, str(refusal.message))
            return None

    def admin_view(self, view: Any, cacheable: bool = False) -> Any:
        """Ask people who they are before a page changes something, if their last proof is too old."""
        asking = admin_reauthentication.asked_first(self, view, is_exempt=lambda found: found == self.logout)
        return super().admin_view(asking, cacheable)

    def confirm(self, request: Any) -> Any:
        """Let people confirm who they are."""
        return admin_reauthentication.confirmation_page(self, request)

    def object_history(self, request: Any, model_admin: Any, shown: Any) -> Any:
        """Show the security events about an object."""
        return object_history.history_page(self, request, model_admin, shown)

    def get_urls(self) -> list[Any]:
        """Import the admin modules of all apps. Add our own pages, leave out Django's password form."""
        autodiscover()
        second_factor = path("login/second-factor/", self.second_factor, name="second_factor")
        django_urls = [url for url in super().get_urls() if getattr(url, "name", None) not in _EXCLUDED_URLS]
        confirm = path("confirm/", self.admin_view(self.confirm), name="confirm")
        return [second_factor, confirm, *django_urls]

    def _factor_page(self, request: Any, pending: PendingAdminSignIn, form: FactorForm) -> TemplateResponse:
        shown = admin_sign_in.begin_mfa_sign_in(pending=pending, now=database_clock.now())
        context = {
            **self.each_context(request),
            "title": _("Log in"),
            "form": form,
            "has_application": FactorMethod.TOTP in shown.methods,
            "is_by_key_only": set(shown.methods) == {FactorMethod.WEBAUTHN},
            "key_options": shown.webauthn,
            "key_field": "credential",
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

    def _redirect_to_login(self) -> Any:
        return redirect(reverse("admin:login", current_app=self.name))

    def _safe_url(self, request: Any, next_url: str) -> str:
        is_safe = url_has_allowed_host_and_scheme(
            next_url, allowed_hosts={request.get_host()}, require_https=request.is_secure()
        )
        return next_url if is_safe else reverse("admin:index", current_app=self.name)
