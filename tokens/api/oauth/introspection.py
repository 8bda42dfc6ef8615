"""The introspection endpoint (RFC 7662)."""

from typing import Any

from django.http import HttpRequest
from rest_framework.request import Request
from rest_framework.response import Response

from cedrina_base import database_clock
from tokens.api.authentication import AccessTokenAuthentication
from tokens.api.oauth.base import OAuthView, oauth_response
from tokens.api.oauth.client import authenticated_client, client_credentials
from tokens.api.oauth.errors import OAuthProblem, invalid_client, invalid_request
from tokens.api.oauth.forms import oauth_form
from tokens.api.problems import TokenProblem
from tokens.api.response_bodies import introspection_body
from tokens.services import introspection, service_tokens
from tokens.types import ServiceCaller


class OAuthIntrospectionView(OAuthView):
    """Say what a token is good for. The caller authenticates as a service client, or by an access token."""

    event_loop_methods = frozenset({"POST"})

    def post(self, request: Request) -> Response:
        plain = request._request  # noqa: SLF001 - Django's, which the limiter has parsed the form of
        form = oauth_form(plain)
        asker = _asker(request, plain, form)
        token = form.get("token")
        if token is None:
            raise invalid_request("token is missing.")
        found = introspection.introspect(token=token, asker=asker, now=database_clock.now())
        return oauth_response(introspection_body(found))


def _asker(request: Request, plain: HttpRequest, form: dict[str, str]) -> Any:
    """Return who asks (RFC 7662, 2.1).

    Raises: OAuthProblem.
    """
    credentials = client_credentials(plain, form)
    try:
        authenticated = AccessTokenAuthentication().authenticate(request)
    except TokenProblem as problem:
        challenge = getattr(problem, "auth_header", "Bearer")
        raise OAuthProblem(
            "invalid_token", "The access token was not accepted.", status=401, challenge=challenge
        ) from problem
    if credentials is None:
        if authenticated is None:
            raise invalid_client()
        return authenticated[0]
    if authenticated is not None:
        raise invalid_request("The client must use one way of authentication, not several.")
    client = authenticated_client(plain, credentials)
    return ServiceCaller(client.client_id, client.name, service_tokens.declared(client.scopes), client.role_grants)
