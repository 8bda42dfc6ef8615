"""The page at `/`: what this server is, and where everything is."""

from dataclasses import dataclass

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import Resolver404, resolve, reverse
from django.utils import translation
from django.utils.translation import gettext as _
from django.views.decorators.http import require_safe

GUIDE = "/api/docs/guide"
PUBLISHED_GUIDE_URL = "https://cedrina.dev/docs/"
INBOX = "/dev/mail"


@dataclass(frozen=True, slots=True)
class HomeLink:
    """One line of the page."""

    url: str
    title: str
    purpose: str


@require_safe
def home(request: HttpRequest) -> HttpResponse:
    """Answer with the page, whatever the client accepts; it has no state and no cookie. `?lang=` chooses a language."""
    names = dict(settings.LANGUAGES)
    wanted = request.GET.get("lang", "")
    language = wanted if wanted in names else translation.get_language() or settings.LANGUAGE_CODE
    with translation.override(language):
        context = {
            "name": "Cedrina",
            "links": links(),
            "languages": [(code, translation.get_language_info(code)["name_local"]) for code in names],
            "public_url": settings.PUBLIC_URL,
        }
        response = render(request, "home.html", context)
    response.headers["Content-Language"] = language
    response.headers["Cache-Control"] = "no-cache"
    return response


def links() -> list[HomeLink]:
    """Return the links of the page, in the active language. The inbox is linked where its page exists."""
    found = [
        HomeLink(reverse("docs"), _("API"), _("every call, to try out")),
        HomeLink(
            GUIDE if _exists(GUIDE) else PUBLISHED_GUIDE_URL, _("Guide"), _("how to write a client and run this server")
        ),
        HomeLink(reverse("admin:index"), _("Administration"), _("people, sessions, limits and events")),
        HomeLink(reverse("readyz"), _("Health"), _("whether calls can be answered")),
    ]
    if _exists(INBOX):
        found.append(HomeLink(INBOX, _("Inbox"), _("the mails that this server has sent")))
    return found


def _exists(path: str) -> bool:
    try:
        resolve(path)
    except Resolver404:
        return False
    return True
