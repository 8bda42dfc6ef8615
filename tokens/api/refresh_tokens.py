"""The refresh token that a request presents."""

from typing import Any

from django.http import HttpRequest
from rest_framework.request import Request

from tokens.refresh_tokens.secrets import parse_refresh_token
from tokens.types import RefreshClaims


def refresh_claims(request: Request | HttpRequest, presented: str) -> RefreshClaims | None:
    """Return the claims of a genuine refresh token, ``None`` for any other text.

    The result is kept on Django's request, so the limiter and the view together verify a token once.
    """
    plain: Any = getattr(request, "_request", request)
    kept: tuple[str, RefreshClaims | None] | None = getattr(plain, "_refresh_claims", None)
    if kept is None or kept[0] != presented:
        kept = plain._refresh_claims = presented, parse_refresh_token(presented)  # noqa: SLF001 - an attribute of ours
    return kept[1]
