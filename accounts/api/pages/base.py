"""What the pages behind mailed links share."""

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
from accounts.conf import account_settings
from accounts.errors import HashingBusy

if TYPE_CHECKING:
    from django.http import HttpRequest
    from django.http.response import HttpResponseBase

_OWN_SITES = frozenset({"", "same-origin", "none"})


@method_decorator(csrf_exempt, name="dispatch")
class MailedPage(View):
    """A page without a session: what it may do, the token in its address says.

    Getting it changes nothing, so that scanners of mail may follow every link; only its form does. A cookie against
    forged requests would guard nothing, since who doesn't know the token can't forge one, and with ``no-referrer``,
    which keeps the token from leaking, Django's check would refuse everybody. What a browser says is from another site
    is refused all the same.
    """

    http_method_names = ["get", "head", "post"]

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        asked = request.GET.get("lang", "")
        language = asked if asked in dict(settings.LANGUAGES) else translation.get_language() or settings.LANGUAGE_CODE
        with translation.override(language):
            response = self._answer(request, *args, **kwargs)
        response["Cache-Control"], response["Content-Language"] = "no-store", language
        return response

    def _answer(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        if request.method == "POST" and request.headers.get("Sec-Fetch-Site", "") not in _OWN_SITES:
            return self.show("message", status=403, title=gettext("This form was sent from another site."))
        if request.method == "POST" and is_limited(request, LimitedForm.MAILED_PAGE):
            return self._refuse(429, gettext("Too many attempts"), RETRY_AFTER)
        try:
            return super().dispatch(request, *args, **kwargs)
        except HashingBusy as busy:
            return self._refuse(503, str(busy.message), busy.retry_after)

    def _refuse(self, status: int, title: str, retry_after: int) -> HttpResponse:
        answer = self.show("message", status=status, title=title, text=gettext("Go back and try again."))
        answer.headers["Retry-After"] = str(retry_after)
        return answer

    def show(self, template: str, *, status: int = 200, **context: Any) -> HttpResponse:
        """Render one of the templates of the pages."""
        context |= {
            "languages": [(code, translation.get_language_info(code)["name_local"]) for code, _ in settings.LANGUAGES],
            "public_url": account_settings.PUBLIC_URL,
        }
        return render(self.request, f"accounts/pages/{template}.html", context, status=status)

    def done(self, what: str) -> HttpResponseRedirect:
        """Lead to the page that says what was done: reloading it does nothing again, and its address has no token."""
        language = translation.get_language() or settings.LANGUAGE_CODE
        answer = HttpResponseRedirect(f"{reverse('page-done', args=[what])}?lang={language}")
        answer.status_code = 303
        return answer


def field(request: HttpRequest, name: str) -> str:
    """Return what stands in a field of a form, as it was typed; empty for what no form of ours can have sent."""
    value = request.POST.get(name, "")
    return value if isinstance(value, str) and "\0" not in value else ""
