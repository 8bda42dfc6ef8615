"""Django's middleware for browsers, applied to pages only. The API has no cookies, and each middleware costs time."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

from csp.middleware import CSPMiddleware
from django.contrib.auth.middleware import AuthenticationMiddleware
from django.contrib.messages.middleware import MessageMiddleware
from django.contrib.sessions.middleware import SessionMiddleware
from django.middleware.csrf import CsrfViewMiddleware
from django.utils.functional import SimpleLazyObject
from whitenoise.middleware import WhiteNoiseMiddleware

from accounts.administration import admin_sessions
from cedrina.http.paths import has_content_policy, is_page

if TYPE_CHECKING:
    from collections.abc import Callable

    from django.http import HttpRequest
    from django.http.response import HttpResponseBase


class PagesOnlyMiddleware:
    """Skips the middleware that it is mixed into for paths that are no page."""

    sync_capable = True
    async_capable = False
    get_response: Callable[[HttpRequest], Any]
    applies = staticmethod(is_page)

    def __call__(self, request: HttpRequest) -> Any:
        if not self.applies(request.path_info):
            return self.get_response(request)
        return super().__call__(request)  # type: ignore[misc]


class StaticFilesMiddleware(PagesOnlyMiddleware, WhiteNoiseMiddleware):  # type: ignore[misc]
    """whitenoise, for the files of the admin and of the documentation."""


class PageSessionMiddleware(PagesOnlyMiddleware, SessionMiddleware):
    """Django's sessions, for pages."""


class PageCsrfMiddleware(PagesOnlyMiddleware, CsrfViewMiddleware):
    """Django's CSRF check, for pages. The API authenticates by bearer tokens, which browsers do not add."""

    def process_view(
        self, request: HttpRequest, callback: Callable[..., HttpResponseBase], callback_args: Any, callback_kwargs: Any
    ) -> Any:
        if not is_page(request.path_info):
            return None
        return super().process_view(request, callback, callback_args, callback_kwargs)


class AdminAuthenticationMiddleware(PagesOnlyMiddleware, AuthenticationMiddleware):
    """Set ``request.user`` while the token session behind the browser's cookie is active."""

    # Django 5.1 asks each middleware whether a login is required; this one only says who signed in.
    def process_request(self, request: HttpRequest) -> None:
        request.user = cast("Any", SimpleLazyObject(lambda: admin_sessions.get_user(request)))


class PageMessageMiddleware(PagesOnlyMiddleware, MessageMiddleware):
    """Django's messages, for pages."""


class PageSecurityPolicyMiddleware(PagesOnlyMiddleware, CSPMiddleware):
    """django-csp's Content-Security-Policy, for all pages that a browser displays."""

    applies = staticmethod(has_content_policy)
