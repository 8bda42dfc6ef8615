"""The token endpoint (RFC 6749, 3.2): ``refresh_token`` for people's sessions, ``client_credentials`` for services."""

from django.http import HttpRequest
from rest_framework.request import Request
from rest_framework.response import Response

from cedrina_base import database_clock
from tokens.api.client import client_context
from tokens.api.oauth.base import OAuthView, oauth_response
from tokens.api.oauth.client import authenticated_client, client_credentials
from tokens.api.oauth.errors import OAuthProblem, invalid_client, invalid_request
from tokens.api.oauth.forms import oauth_form
from tokens.api.refresh_tokens import refresh_claims
from tokens.api.serializers.tokens import LONGEST_TOKEN
from tokens.errors import ScopeNotAllowed, TokenError
from tokens.services import rotation, service_tokens
from tokens.services.client_authentication import ClientCredentials

GRANT_TYPES = ("client_credentials", "refresh_token")


class OAuthTokenView(OAuthView):
    """Exchange a refresh token, or issue an access token to a service client."""

    event_loop_methods = frozenset({"POST"})

    def post(self, request: Request) -> Response:
        plain = request._request  # noqa: SLF001 - Django's, which the limiter has parsed the form of
        form = oauth_form(plain)
        credentials = client_credentials(plain, form)
        grant_type = form.get("grant_type")
        if grant_type is None:
            raise invalid_request("grant_type is missing.")
        if grant_type not in GRANT_TYPES:
            raise OAuthProblem("unsupported_grant_type", "The server has no such grant type.")
        if grant_type == "client_credentials":
            return _issue(plain, form, credentials)
        return _refresh(plain, form, credentials)


def _issue(request: HttpRequest, form: dict[str, str], credentials: ClientCredentials | None) -> Response:
    """Issue an access token to the client itself (RFC 6749, 4.4)."""
    if credentials is None:
        raise invalid_client()
    client = authenticated_client(request, credentials)
    try:
        issued = service_tokens.issue(client=client, scope=form.get("scope"), now=database_clock.now())
    except ScopeNotAllowed as error:
        raise OAuthProblem("invalid_scope", "The client does not have one of these scopes.") from error
    return oauth_response(
        {
            "access_token": issued.access_token,
            "token_type": "Bearer",
            "expires_in": issued.expires_in,
            "scope": issued.scope,
        }
    )


def _refresh(request: HttpRequest, form: dict[str, str], credentials: ClientCredentials | None) -> Response:
    """Exchange the refresh token of a person's session (RFC 6749, 6), by the same service as the JSON call.

    The applications that people use are public and not registered, so ``client_id`` is ignored. Refresh tokens are
    issued to them only: a service client that presents one has it from somebody else.
    """
    presented = form.get("refresh_token")
    if presented is None:
        raise invalid_request("refresh_token is missing.")
    if credentials is not None:
        authenticated_client(request, credentials)
        raise OAuthProblem("invalid_grant", "The refresh token was not issued to this client.")
    if "scope" in form:
        raise OAuthProblem("invalid_scope", "Tokens of people have no scopes.")
    claims = refresh_claims(request, presented) if len(presented) <= LONGEST_TOKEN else None
    try:
        pair = rotation.rotate_claims(claims=claims, client=client_context(request), now=database_clock.now())
    except TokenError as error:
        raise OAuthProblem("invalid_grant", error.code) from error
    return oauth_response(
        {
            "access_token": pair.access_token,
            "token_type": pair.token_type,
            "expires_in": pair.expires_in,
            "refresh_token": pair.refresh_token,
        }
    )
