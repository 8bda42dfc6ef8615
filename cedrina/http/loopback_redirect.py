"""In development: redirect pages that were opened by a loopback address to PUBLIC_URL, which says `localhost`.

At `http://127.0.0.1:8000` a browser refuses passkeys (WebAuthn Level 3, 5.4.2), and a person who signed in at
`http://localhost:8000` has no cookie. Calls of the API are answered under both names.
"""

from collections.abc import Callable
from urllib.parse import urlsplit

from django.conf import settings
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect

from cedrina.http.paths import BRAND_PREFIX, answers_html, is_static


class LoopbackRedirectMiddleware:
    """Answers GET requests for pages with 307, if the port is that of PUBLIC_URL. The target is always below it."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response
        port = urlsplit(settings.PUBLIC_URL).port or 80
        self._hosts = frozenset({f"127.0.0.1:{port}", f"[::1]:{port}"})

    def __call__(self, request: HttpRequest) -> HttpResponse:
        path = request.path_info
        # Files of a page are answered where it is: its policy allows none of another origin.
        is_file = is_static(path) or path.startswith(BRAND_PREFIX)
        is_page = request.method in ("GET", "HEAD") and answers_html(path) and not is_file
        if not is_page or request.META.get("HTTP_HOST") not in self._hosts:
            return self.get_response(request)
        response = HttpResponseRedirect(settings.PUBLIC_URL + request.get_full_path())
        response.status_code = 307
        return response
