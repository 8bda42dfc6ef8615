"""The base of the pages that mailed links open."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.conf import settings
from django.http import HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django.utils import translation
from django.utils.decorators import method_decorator
from django.utils.translation import gettext
from django.views import View
from django.views.decorators.csrf import csrf_exempt

from accounts.api.form_limits import RETRY_AFTER, LimitedForm, is_limited
from accounts.branding.brand import current as current_brand
from accounts.errors import HashingBusy

if TYPE_CHECKING:
    from django.http import HttpRequest
    from django.http.response import HttpResponseBase

_OWN_SITES = frozenset({"", "same-origin", "none"})


@method_decorator(csrf_exempt, name="dispatch")
class MailedPage(View):
    """A page without a session. The token in its URL authorises its action.

    A GET request changes nothing, because mail scanners follow every link; only the form does. The page has no CSRF
    cookie: an attacker who doesn't know the token can't forge a request. And Django's check needs a referrer, which
    ``no-referrer`` suppresses to keep the token from leaking. Forms that the browser reports as sent from another site
    (``Sec-Fetch-Site``) are refused.
    """

    http_method_names = ["get", "head", "post"]

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        requested = request.GET.get("lang", "")
        default = translation.get_language() or settings.LANGUAGE_CODE
        language = requested if requested in dict(settings.LANGUAGES) else default
        with translation.override(language):
            response = self._respond(request, *args, **kwargs)
        response["Cache-Control"], response["Content-Language"] = "no-store", language
        return response

    def _respond(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        if request.method == "POST" and request.headers.get("Sec-Fetch-Site", "") not in _OWN_SITES:
            return self.render("message", status=403, title=gettext("This form was sent from another site."))
        if request.method == "POST" and is_limited(request, LimitedForm.MAILED_PAGE):
            return self._refuse(429, gettext("Too many attempts"), RETRY_AFTER)
        try:
            return super().dispatch(request, *args, **kwargs)
        except HashingBusy as busy:
            return self._refuse(503, str(busy.message), busy.retry_after)

    def _refuse(self, status: int, title: str, retry_after: int) -> HttpResponse:
        response = self.render("message", status=status, title=title, text=gettext("Go back and try again."))
        response.headers["Retry-After"] = str(retry_after)
        return response

    def render(self, template: str, *, status: int = 200, **context: Any) -> HttpResponse:
        """Render a template of ``accounts/pages``."""
        context |= {
            "languages": [(code, translation.get_language_info(code)["name_local"]) for code, _ in settings.LANGUAGES],
            "brand": current_brand(),
        }
        return render(self.request, f"accounts/pages/{template}.html", context, status=status)

    def redirect_to_result(self, what: str) -> HttpResponseRedirect:
        """Redirect to the page that shows a result. It can be reloaded, and its URL has no token."""
        language = translation.get_language() or settings.LANGUAGE_CODE
        response = HttpResponseRedirect(f"{reverse('page-done', args=[what])}?lang={language}")
        response.status_code = 303
        return response


def form_field(request: HttpRequest, name: str) -> str:
    """Return a form field unchanged; empty for values that no browser form sends (files, NUL characters)."""
    value = request.POST.get(name, "")
    return value if isinstance(value, str) and "\0" not in value else ""
