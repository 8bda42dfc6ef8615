"""Which paths are pages for a browser; everything else is answered to programs."""

from collections.abc import Iterator
from functools import cache
from typing import Any

from django.urls import get_resolver

PAGES = ("/admin/", "/api/docs", "/api/schema", "/static/")


def is_page(path: str) -> bool:
    """Whether sessions, CSRF checks and HTML answers apply to this path."""
    return path.startswith(PAGES)


def speaks_html(path: str) -> bool:
    """Whether an error on this path is shown to a person."""
    return path.startswith(("/admin/", "/api/docs", "/static/"))


# Calls that take under a millisecond and wait for nothing but the database. Whatever is not listed is answered on a
# thread, so that a call that was forgotten here, or that hashes a password, costs itself time and nobody else.
QUICK = frozenset(
    {
        "/api/v1/auth/me",
        "/api/v1/auth/refresh",
        "/api/v1/auth/logout",
        "/api/v1/auth/sessions",
        "/api/v1/auth/introspect",
        "/api/v1/auth/revoke",
        "/.well-known/jwks.json",
        "/.well-known/oauth-authorization-server",
        "/livez",
        "/readyz",
    }
)


def is_quick(path: str) -> bool:
    """Whether a request on this path may be answered on the event loop's own thread."""
    return path in QUICK


@cache
def known_paths() -> frozenset[str]:
    """Return the paths that have no parts which vary, the admin's left out."""
    return frozenset(path for path in _paths(get_resolver().url_patterns, "/") if not path.startswith("/admin/"))


def _paths(patterns: Any, prefix: str) -> Iterator[str]:
    for pattern in patterns:
        path = f"{prefix}{pattern.pattern}"
        if "<" in path or "(" in path:
            continue
        if hasattr(pattern, "url_patterns"):
            yield from _paths(pattern.url_patterns, path)
        else:
            yield path
