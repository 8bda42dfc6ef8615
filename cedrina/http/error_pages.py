"""Errors as a browser shows them. Programs get problems (``cedrina.http.problems``).

On paths of the API each error is a problem. On pages it is a page, unless the client prefers JSON; on any other path,
such as one that does not exist, it is a page for clients that name HTML in their Accept header.
"""

from collections.abc import Mapping
from typing import Any

import structlog
from csp.constants import HEADER as CONTENT_SECURITY_POLICY
from csp.utils import build_policy
from django.http import HttpRequest, HttpResponse
from django.template.loader import render_to_string
from django.utils.cache import patch_vary_headers
from django.utils.translation import gettext_lazy as _

from accounts.branding.brand import current as current_brand
from cedrina.http import problems
from cedrina.http.accepted_formats import preferred_format
from cedrina.http.paths import answers_html, is_api
from cedrina.http.problem_catalogue import PROBLEMS, TranslatableText
from cedrina_base.content_language import set_content_language

TEMPLATE = "errors/problem.html"
ADVICE: Mapping[str, TranslatableText] = {
    "malformed_request": _("Go back and try again. If you followed a link, open it again where you found it."),
    "authentication_required": _("Sign in to the administration, then open this page again."),
    "permission_denied": _("Sign in with an account that may do this, or ask the operator of this service."),
    "not_found": _("Check the address, or go to the start page."),
    "method_not_allowed": _("Go back to the page that you came from, and use its buttons."),
    "internal_error": _(
        "Try again in a few minutes. If it happens again, tell the operator of this service the reference below."
    ),
}
DEFAULT_ADVICE = _("Go back and try again.")
FORM_EXPIRED = _("Go back, reload the page and send the form again. Your browser has to accept cookies of this site.")
log = structlog.get_logger(__name__)


def is_for_browser(path: str, accept: str) -> bool:
    """Return whether an error is shown as a page, by the path and the Accept header of a request."""
    if is_api(path):
        return False
    preferred = preferred_format(accept)
    return preferred != "json" if answers_html(path) else preferred == "html"


def response(
    request: HttpRequest,
    code: str,
    *,
    status: int | None = None,
    retry_after: int | None = None,
    advice: TranslatableText = "",
) -> HttpResponse:
    """Return an error outside of the API's views: a page or a problem. ``retry_after`` is in seconds."""
    answer = None
    if is_for_browser(request.path, request.META.get("HTTP_ACCEPT", "")):
        answer = page(request, code, status=status, retry_after=retry_after, advice=advice)
    if answer is None:
        answer = problems.response(request, code, status=status)
    if not is_api(request.path):
        patch_vary_headers(answer, ["Accept"])
    return answer


def page(
    request: HttpRequest,
    code: str,
    *,
    status: int | None = None,
    retry_after: int | None = None,
    advice: TranslatableText = "",
) -> HttpResponse | None:
    """Return the page about an error, in the active language.

    ``None`` when the template can't be rendered, which a project may have replaced: then a problem says what happened.
    """
    kind = PROBLEMS[code]
    if code == "service_unavailable" and retry_after is None:
        retry_after = problems.RETRY_AFTER_SECONDS
    context: dict[str, Any] = {
        "problem": kind,
        "brand": current_brand(),
        "advice": advice or ADVICE.get(code, "" if retry_after else DEFAULT_ADVICE),
        "retry_after": retry_after,
        "correlation_id": getattr(request, "correlation_id", ""),
    }
    try:
        content = render_to_string(TEMPLATE, context, request=request)
    except Exception:
        log.exception("error_page_failed", template=TEMPLATE)
        return None
    answer = HttpResponse(content, status=status or kind.status)
    answer.headers["Cache-Control"] = "no-store"
    # Some errors are answered outside of the middleware that adds it.
    answer.headers[CONTENT_SECURITY_POLICY] = build_policy()
    if retry_after is not None:
        answer.headers["Retry-After"] = str(retry_after)
    if code == "service_unavailable":
        answer._has_been_logged = True  # type: ignore[attr-defined]  # noqa: SLF001 - the outage itself is logged, once
    patch_vary_headers(answer, ["Accept"])
    return set_content_language(answer)


def is_answered(answer: HttpResponse) -> bool:
    """Return whether an error is a page or a problem already. The framework's own errors have no content."""
    content_type = answer.headers.get("Content-Type", "")
    if content_type.startswith((problems.CONTENT_TYPE, "application/json")):
        return True
    return content_type.startswith("text/html") and bool(answer.streaming or answer.content)
