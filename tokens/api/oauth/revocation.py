"""The revocation endpoint (RFC 7009)."""

from rest_framework.request import Request
from rest_framework.response import Response

from cedrina_base import database_clock
from tokens.api.oauth.base import OAuthView, oauth_response
from tokens.api.oauth.client import authenticated_client, client_credentials
from tokens.api.oauth.errors import invalid_request
from tokens.api.oauth.forms import oauth_form
from tokens.services import revocation


class OAuthRevocationView(OAuthView):
    """Give up a token. The answer is the same whatever the token was (RFC 7009, 2.2).

    Whoever holds a token may give it up, as at the JSON call: that helps people whose token has leaked. A service
    client that authenticates gives up its own tokens only.
    """

    event_loop_methods = frozenset({"POST"})

    def post(self, request: Request) -> Response:
        plain = request._request  # noqa: SLF001 - Django's, which the limiter has parsed the form of
        form = oauth_form(plain)
        credentials = client_credentials(plain, form)
        client = None if credentials is None else authenticated_client(plain, credentials)
        token = form.get("token")
        if token is None:
            raise invalid_request("token is missing.")
        revocation.revoke_token(
            presented=token, client_id=None if client is None else client.client_id, now=database_clock.now()
        )
        return oauth_response({})
