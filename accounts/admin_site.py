"""The admin site: its sign-in is limited, and passwords are changed through the API alone."""

from typing import Any

from django.contrib.admin import AdminSite
from django.template.response import TemplateResponse
from django.utils.translation import gettext_lazy as _

from accounts.admin_limits import is_limited

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
            return TemplateResponse(
                request,
                "admin/too_many_attempts.html",
                {**self.each_context(request), "title": _("Too many attempts"), "retry_after": RETRY_AFTER},
                status=429,
                headers={"Retry-After": str(RETRY_AFTER)},
            )
        return super().login(request, extra_context)

    def get_urls(self) -> list[Any]:
        """Leave out Django's password form, which would change a password and neither end sessions nor tell anybody."""
        return [url for url in super().get_urls() if getattr(url, "name", None) not in _NOT_OURS]


_NOT_OURS = {"password_change", "password_change_done"}
