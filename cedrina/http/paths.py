"""Facts about request paths: which are pages for browsers, which are fixed, which calls the event loop answers.

Paths that are no page are answered to programs.
"""

from collections.abc import Callable, Iterator, Mapping
from functools import cache
from typing import Any, TypeVar

from django.urls import get_resolver

View = TypeVar("View", bound=Callable[..., Any])

API_PREFIXES = ("/api/", "/.well-known/", "/access/", "/oauth/", "/ssf/", "/ws/")
# Called by monitoring, from other networks than those of people.
MONITORING_PATHS = frozenset({"/livez", "/readyz", "/metrics"})
HOME = "/"
PAGE_PREFIXES = ("/admin/", "/api/docs", "/api/schema", "/static/")
# Pages to which mailed links lead. They have no session and no cookie: the token in the address is the authority.
MAILED_LINK_PREFIX = "/account/"
# Files of these pages, with the look of the application.
BRAND_PREFIX = "/account/brand/"
# The mails of development, with such links.
SENT_MAIL_PREFIX = "/dev/"
OAUTH_PREFIX = "/oauth/"


def is_page(path: str) -> bool:
    """Return whether sessions, CSRF checks and HTML responses apply to this path."""
    return path.startswith(PAGE_PREFIXES)


def is_mailed_link_page(path: str) -> bool:
    """Return whether the address is a secret that no other site must learn, or the page shows such addresses."""
    return path.startswith((MAILED_LINK_PREFIX, SENT_MAIL_PREFIX))


def is_static(path: str) -> bool:
    """Return whether this path is a file of the admin or of the documentation, the same in all languages."""
    return path.startswith("/static/")


def has_content_policy(path: str) -> bool:
    """Return whether a browser displays what this path returns."""
    return is_page(path) or is_mailed_link_page(path) or path == HOME


def answers_oauth(path: str) -> bool:
    """Return whether an error on this path has the shape of RFC 6749, 5.2."""
    return path.startswith(OAUTH_PREFIX)


def answers_html(path: str) -> bool:
    """Return whether this path is opened by people, so that its errors are pages unless JSON is asked for."""
    return path == HOME or path.startswith(("/admin/", "/api/docs", "/static/", MAILED_LINK_PREFIX, SENT_MAIL_PREFIX))


def is_api(path: str) -> bool:
    """Return whether only programs call this path, so that its errors are problems (RFC 9457) for everybody."""
    return (path.startswith(API_PREFIXES) and not path.startswith("/api/docs")) or path in MONITORING_PATHS


@cache
def fixed_paths() -> frozenset[str]:
    """Return the paths without variable parts, those of the admin excepted."""
    paths = (path for path, _view in _routes(get_resolver().url_patterns, "/"))
    return frozenset(path for path in paths if not path.startswith("/admin/"))


def on_event_loop(*methods: str) -> Callable[[View], View]:
    """Declare the methods of a view function that the event loop's thread answers (serving/request_dispatcher.py)."""

    def declare(view: View) -> View:
        view.event_loop_methods = frozenset(methods)  # type: ignore[attr-defined]  # functions take attributes
        return view

    return declare


@cache
def event_loop_calls() -> Mapping[tuple[str, str], bytes]:
    """Return the calls, as method and path, that the event loop's thread answers.

    A view class declares its methods as ``event_loop_methods = frozenset({"GET"})``, a view function by the decorator
    ``on_event_loop``. Paths with variable parts are never among them. The value is the member of a body with which the
    call may wait, so that a thread answers it: what a view class declares as ``waits_for``, mostly nothing.
    """
    return {
        (method, path): getattr(getattr(view, "cls", view), "waits_for", b"")
        for path, view in _routes(get_resolver().url_patterns, "/")
        for method in getattr(getattr(view, "cls", view), "event_loop_methods", ())
    }


def _routes(patterns: Any, prefix: str) -> Iterator[tuple[str, Any]]:
    for pattern in patterns:
        path = f"{prefix}{pattern.pattern}"
        if "<" in path or "(" in path:
            continue
        if hasattr(pattern, "url_patterns"):
            yield from _routes(pattern.url_patterns, path)
        else:
            yield path, pattern.callback
