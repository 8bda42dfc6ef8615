"""Django's middleware for browsers, kept away from the API: it has no cookies, and each layer costs every call."""

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
from cedrina.paths import has_content_policy, is_page

if TYPE_CHECKING:
    from collections.abc import Callable

    from django.http import HttpRequest
    from django.http.response import HttpResponseBase


class PagesOnly:
    """Let requests of programs straight through to the next layer."""

    sync_capable = True
    async_capable = False
    get_response: Callable[[HttpRequest], Any]
    applies = staticmethod(is_page)

    def __call__(self, request: HttpRequest) -> Any:
        if not self.applies(request.path_info):
            return self.get_response(request)
        return super().__call__(request)  # type: ignore[misc]


class StaticFiles(PagesOnly, WhiteNoiseMiddleware):  # type: ignore[misc]
    pass


class Sessions(PagesOnly, SessionMiddleware):
    pass


class Csrf(PagesOnly, CsrfViewMiddleware):
    def process_view(
        self, request: HttpRequest, callback: Callable[..., HttpResponseBase], callback_args: Any, callback_kwargs: Any
    ) -> Any:
        if not is_page(request.path_info):
            return None
        return super().process_view(request, callback, callback_args, callback_kwargs)


class Authentication(PagesOnly, AuthenticationMiddleware):
    """Say who is signed in, for as long as the session of ``tokens`` behind the browser's cookie lives."""

    # Django 5.1 asks each middleware whether a login is required; this one only says who signed in.
    def process_request(self, request: HttpRequest) -> None:
        request.user = cast("Any", SimpleLazyObject(lambda: admin_sessions.user_of(request)))


class Messages(PagesOnly, MessageMiddleware):
    pass


class ContentSecurityPolicy(PagesOnly, CSPMiddleware):
    applies = staticmethod(has_content_policy)
