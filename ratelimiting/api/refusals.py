"""The default of the setting ``REFUSAL``: the answer 429 of a project that has none of its own."""

from django.http import HttpRequest, HttpResponse, JsonResponse
from django.utils.translation import gettext as _


def problem(request: HttpRequest, retry_after: int) -> HttpResponse:
    """Return a problem document (RFC 9457)."""
    body = {
        "type": "about:blank",
        "title": _("Too many requests"),
        "status": 429,
        "detail": _("Slow down and try again later."),
        "instance": request.path,
        "code": "rate_limited",
    }
    headers = {"Vary": "Accept-Language"}
    return JsonResponse(body, status=429, content_type="application/problem+json", headers=headers)
