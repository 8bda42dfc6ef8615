"""Which web pages may open sockets: WebSockets have no same-origin policy, so the server checks (RFC 6455, 10.2)."""

from typing import Any
from urllib.parse import urlsplit

from django.conf import settings
from django.http.request import validate_host


def is_foreign_origin(scope: Any) -> bool:
    """Return whether the Origin header names a foreign page. Clients that are no browsers send no Origin."""
    origins = [value.decode("latin-1") for name, value in scope["headers"] if name == b"origin"]
    return any(origin not in settings.CORS_ALLOWED_ORIGINS and not _is_own_origin(origin) for origin in origins)


def _is_own_origin(origin: str) -> bool:
    if origin == settings.PUBLIC_URL:
        return True
    try:
        host = urlsplit(origin).hostname or ""
    except ValueError:  # no URL
        return False
    return not settings.IS_HTTPS and validate_host(host, settings.ALLOWED_HOSTS)
