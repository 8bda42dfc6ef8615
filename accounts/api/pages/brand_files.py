"""The files of the brand that pages load: colours, logo and icon. They are the same for everybody and in all languages.

They are views and no static files, because settings decide what they contain, and the content policy of pages allows
neither styles in the page nor files of other servers.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.http import Http404, HttpResponse
from django.template.loader import render_to_string
from django.views.decorators.http import require_safe

from accounts.branding.brand import current

if TYPE_CHECKING:
    from django.http import HttpRequest

_FOREVER = "public, max-age=31536000, immutable"  # RFC 8246: the version in the address changes with the content
_ASK_AGAIN = "no-cache"


@require_safe
def colours(request: HttpRequest) -> HttpResponse:
    """Return the colours as custom properties of CSS."""
    brand = current()
    return _file(request, brand.style_sheet.encode(), "text/css; charset=utf-8", version=brand.style_version)


@require_safe
def logo(request: HttpRequest) -> HttpResponse:
    """Return the logo, 404 without one."""
    picture = current().logo
    if picture is None:
        raise Http404
    return _file(request, picture.content, "image/png", version=picture.version)


@require_safe
def icon(request: HttpRequest) -> HttpResponse:
    """Return the icon of browser tabs: the first letter of the application's name in the brand's colour."""
    brand = current()
    svg = render_to_string("accounts/pages/icon.svg", {"brand": brand, "letter": brand.name[0].upper()})
    return _file(request, svg.encode(), "image/svg+xml", version=brand.icon_version)


def _file(request: HttpRequest, content: bytes, content_type: str, *, version: str) -> HttpResponse:
    response = HttpResponse(content, content_type=content_type)
    response["Cache-Control"] = _FOREVER if request.GET.get("v") == version else _ASK_AGAIN
    return response
