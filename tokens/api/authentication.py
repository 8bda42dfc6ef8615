"""From the Authorization header to a user, or to what the token claims."""

from typing import Any

from rest_framework.authentication import BaseAuthentication
from rest_framework.request import Request

from tokens.api.problems import as_api_exception
from tokens.codec import decode_access
from tokens.errors import AccessTokenInvalid, TokenError
from tokens.services import verification
from tokens.types import AccessClaims, Principal

_SCHEME = "bearer"
_SPACE = " \t"  # what may surround the value of a header (RFC 9110, 5.6.3); a token is taken to the letter


class AccessTokenAuthentication(BaseAuthentication):
    """Accept an access token whose session lives: ``request.user`` is its owner, ``request.auth`` a Principal."""

    def authenticate(self, request: Request) -> tuple[Any, Principal] | None:
        presented = presented_token(request)
        if presented is None:
            return None
        try:
            found = verification.authenticate(presented=presented)
        except TokenError as error:
            raise as_api_exception(error) from error
        return found.user, found.principal

    def authenticate_header(self, request: Request) -> str:  # noqa: ARG002 - DRF's signature
        return "Bearer"


class SignedTokenAuthentication(BaseAuthentication):
    """Accept an access token by its signature alone: ``request.auth`` is its AccessClaims, ``request.user`` nobody.

    For views whose own statement decides whether the session lives, so that they need no query before it.
    """

    def authenticate(self, request: Request) -> tuple[None, AccessClaims] | None:
        presented = presented_token(request)
        if presented is None:
            return None
        try:
            return None, decode_access(presented)
        except TokenError as error:
            raise as_api_exception(error) from error

    def authenticate_header(self, request: Request) -> str:  # noqa: ARG002 - DRF's signature
        return "Bearer"


def presented_token(request: Request) -> str | None:
    """Return the bearer token of a request, ``None`` if it carries none (RFC 6750, 2.1; the scheme in any case).

    Raises: TokenProblem, for a header that announces one but is not of that form.
    """
    header: str = request.META.get("HTTP_AUTHORIZATION", "")
    scheme, _, token = header.strip(_SPACE).partition(" ")
    if scheme.lower() != _SCHEME:
        return None
    token = token.strip(_SPACE)
    if not token or " " in token:
        raise as_api_exception(AccessTokenInvalid(reason="malformed Authorization header"))
    return token
