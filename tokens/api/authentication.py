"""Authenticate requests by the access token in the Authorization header (RFC 6750)."""

from typing import Any

from django.http import HttpRequest
from rest_framework.authentication import BaseAuthentication
from rest_framework.request import Request

from cedrina_base import database_clock
from tokens.access_tokens.codec import decode_access_token
from tokens.api.problems import TokenProblem, as_api_exception
from tokens.errors import AccessTokenInvalid, TokenError
from tokens.services import service_tokens, verification
from tokens.types import AccessClaims, Principal, ServiceClaims, ServicePrincipal

_SCHEME = "bearer"
_SPACE = " \t"  # may surround the value of a header (RFC 9110, 5.6.3)


class AccessTokenAuthentication(BaseAuthentication):
    """Accept an access token whose session is live: ``request.user`` is its user, ``request.auth`` a Principal.

    Of a service client's token, ``request.user`` is a ServiceCaller and ``request.auth`` a ServicePrincipal.
    """

    def authenticate(self, request: Request) -> tuple[Any, Principal | ServicePrincipal] | None:
        claims = signed_claims(request)
        if claims is None:
            return None
        try:
            if isinstance(claims, ServiceClaims):
                client = service_tokens.authenticate_claims(claims=claims, now=database_clock.now())
                return client.caller, client.principal
            found = verification.authenticate_claims(claims=claims, now=database_clock.now())
        except TokenError as error:
            raise as_api_exception(error) from error
        return found.user, found.principal

    def authenticate_header(self, request: Request) -> str:
        return "Bearer"


class SignedTokenAuthentication(BaseAuthentication):
    """Accept an access token by its signature alone: ``request.auth`` is its claims, ``request.user`` is None.

    For views whose own statement decides whether the session is live, so that they need no query before it.
    """

    def authenticate(self, request: Request) -> tuple[None, AccessClaims | ServiceClaims] | None:
        claims = signed_claims(request)
        return None if claims is None else (None, claims)

    def authenticate_header(self, request: Request) -> str:
        return "Bearer"


def signed_claims(request: Request | HttpRequest) -> AccessClaims | ServiceClaims | None:
    """Return the claims of a request's access token after verifying its signature; ``None`` if there is no token.

    The result is kept on the request, so the middleware and the view together verify a token once.

    Raises: TokenProblem.
    """
    plain: Any = getattr(request, "_request", request)
    kept: tuple[AccessClaims | ServiceClaims | None, TokenProblem | None] | None = getattr(
        plain, "_signed_claims", None
    )
    if kept is None:
        kept = plain._signed_claims = _verified(plain)  # noqa: SLF001 - an attribute of ours
    claims, problem = kept
    if problem is not None:
        raise problem
    return claims


def _verified(request: HttpRequest) -> tuple[AccessClaims | ServiceClaims | None, TokenProblem | None]:
    try:
        presented = presented_token(request)
        return (None if presented is None else decode_access_token(presented)), None
    except TokenError as error:
        return None, as_api_exception(error)
    except TokenProblem as problem:
        return None, problem


def presented_token(request: Request | HttpRequest) -> str | None:
    """Return the bearer token of a request, ``None`` if there is none (RFC 6750, 2.1).

    The scheme is compared without regard to case (RFC 9110, 11.1).

    Raises: TokenProblem, for a malformed header of this scheme.
    """
    header: str = request.META.get("HTTP_AUTHORIZATION", "")
    scheme, _, token = header.strip(_SPACE).partition(" ")
    if scheme.lower() != _SCHEME:
        return None
    token = token.strip(_SPACE)
    if not token or " " in token:
        raise as_api_exception(AccessTokenInvalid(reason="malformed Authorization header"))
    return token
