"""Which paths are pages for a browser; everything else is answered to programs."""

from collections.abc import Iterator
from functools import cache
from typing import Any

from django.urls import get_resolver

PAGES = ("/admin/", "/api/docs", "/api/schema", "/static/")


# Where mailed links lead. These pages have no session and no cookie: the token in their address is the authority.
MAILED = "/account/"


def is_page(path: str) -> bool:
    """Whether sessions, CSRF checks and HTML answers apply to this path."""
    return path.startswith(PAGES)


def is_mailed_page(path: str) -> bool:
    """Whether a mailed link leads here, so that the address itself is a secret."""
    return path.startswith(MAILED)


def is_static(path: str) -> bool:
    """Whether a file of the admin or the documentation is answered here, the same in all languages."""
    return path.startswith("/static/")


def has_content_policy(path: str) -> bool:
    """Whether a browser shows what is answered here."""
    return is_page(path) or is_mailed_page(path)


def speaks_html(path: str) -> bool:
    """Whether an error on this path is shown to a person."""
    return path.startswith(("/admin/", "/api/docs", "/static/", MAILED))


# Calls that take under a millisecond and wait for nothing but the database. Whatever is not listed, to the letter, is
# answered on a thread, so that a call that was forgotten here, or that hashes a password, costs itself time and nobody
# else. Methods are told apart by case (RFC 9110, 9.1).
QUICK = frozenset(
    {
        ("GET", "/api/v1/auth/me"),
        ("PATCH", "/api/v1/auth/me"),
        ("POST", "/api/v1/auth/refresh"),
        ("POST", "/api/v1/auth/logout"),
        ("GET", "/api/v1/auth/sessions"),
        ("DELETE", "/api/v1/auth/sessions"),
        ("POST", "/api/v1/auth/introspect"),
        ("POST", "/api/v1/auth/revoke"),
        ("GET", "/.well-known/jwks.json"),
        ("GET", "/.well-known/oauth-authorization-server"),
        ("GET", "/livez"),
        ("HEAD", "/livez"),
        ("GET", "/readyz"),
        ("HEAD", "/readyz"),
    }
)


def is_quick(path: str, method: str) -> bool:
    """Whether a request may be answered on the event loop's own thread."""
    return (method, path) in QUICK


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
