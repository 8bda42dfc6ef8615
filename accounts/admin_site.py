"""The admin site: its sign-in is limited, and passwords are changed through the API alone."""

from typing import Any

from django.contrib.admin import AdminSite
from django.template.response import TemplateResponse
from django.utils.translation import gettext_lazy as _

from accounts.admin_limits import is_limited
from accounts.api import device_cookie

RETRY_AFTER = 60


class GuardedAdminSite(AdminSite):
    """Django's admin for operators."""

    site_header = _("Cedrina")
    site_title = _("Cedrina")
    index_title = _("Overview")
    site_url = None

    def login(self, request: Any, extra_context: dict[str, Any] | None = None) -> Any:
        """Sign staff in, a few attempts a minute for each client address."""
        if request.method == "POST" and is_limited(request):
            return self._refuse(request, RETRY_AFTER)
        response = super().login(request, extra_context)
        retry_after = getattr(request, "sign_in_retry_after", None)
        if retry_after is not None:
            return self._refuse(request, retry_after)
        if request.method == "POST" and request.user.is_authenticated:
            device_cookie.keep(response, request=request, user=request.user)
        return response

    def _refuse(self, request: Any, retry_after: int) -> TemplateResponse:
        return TemplateResponse(
            request,
            "admin/too_many_attempts.html",
            {**self.each_context(request), "title": _("Too many attempts"), "retry_after": retry_after},
            status=429,
            headers={"Retry-After": str(retry_after)},
        )

    def get_urls(self) -> list[Any]:
        """Leave out Django's password form, which would change a password and neither end sessions nor tell anybody."""
        return [url for url in super().get_urls() if getattr(url, "name", None) not in _NOT_OURS]


_NOT_OURS = {"password_change", "password_change_done"}
