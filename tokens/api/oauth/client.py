"""The service client of a request: its credentials, and what its authentication leads to (RFC 6749, 2.3)."""

import base64
import binascii
from urllib.parse import unquote_to_bytes

from django.http import HttpRequest

from cedrina_base import database_clock
from tokens.api.client import client_context
from tokens.api.oauth.addresses import assertion_audiences
from tokens.api.oauth.errors import TOO_MANY_REQUESTS, OAuthProblem, invalid_client, invalid_request
from tokens.conf import token_settings
from tokens.errors import ClientAuthenticationFailed
from tokens.services import client_authentication, service_tokens
from tokens.services.client_authentication import (
    AuthenticatedClient,
    ClientCredentials,
    ClientSecret,
    SignedAssertion,
)

ASSERTION_TYPE = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"  # RFC 7523, 2.2
METHODS = ("client_secret_basic", "client_secret_post", "private_key_jwt")
_SCHEME = "basic"


class RateLimited(OAuthProblem):
    """Too many authentications. ``wait`` is in seconds."""

    def __init__(self, wait: int) -> None:
        super().__init__(TOO_MANY_REQUESTS.error, TOO_MANY_REQUESTS.description, status=TOO_MANY_REQUESTS.status)
        self.headers = {"Retry-After": str(wait)}


def client_credentials(request: HttpRequest, form: dict[str, str]) -> ClientCredentials | None:
    """Return the credentials of a request, ``None`` if it has none.

    Raises: OAuthProblem, for more than one way of authentication (RFC 6749, 2.3) and for malformed credentials.
    """
    basic = _basic_credentials(request)
    has_secret, has_assertion = "client_secret" in form, "client_assertion" in form
    if (basic is not None) + has_secret + has_assertion > 1:
        raise invalid_request("The client must use one way of authentication, not several.")
    client_id = form.get("client_id")
    if has_assertion != ("client_assertion_type" in form):
        raise invalid_request("client_assertion and client_assertion_type belong together.")
    if has_assertion:
        if form["client_assertion_type"] != ASSERTION_TYPE:
            raise invalid_request("This client_assertion_type is not supported.")
        return SignedAssertion(form["client_assertion"], client_id)
    if basic is not None:
        if client_id not in (None, basic.client_id):
            raise invalid_request("client_id names another client than the header.")
        return basic
    if has_secret:
        if client_id is None:
            raise invalid_request("client_secret was sent without client_id.")
        return ClientSecret(client_id, form["client_secret"], "client_secret_post")
    return None


def authenticated_client(request: HttpRequest, credentials: ClientCredentials) -> AuthenticatedClient:
    """Return the client that the credentials belong to, record that it is at work, and count the request.

    Raises: OAuthProblem.
    """
    now, address = database_clock.now(), client_context(request).ip_address
    try:
        client = client_authentication.authenticate(credentials=credentials, audiences=assertion_audiences(), now=now)
    except ClientAuthenticationFailed as error:
        if wait := token_settings.CLIENT_LIMIT(None, address):
            raise RateLimited(wait) from error
        client_authentication.record_failure(error=error, method=credentials.method, now=now)
        raise invalid_client() from error
    if wait := token_settings.CLIENT_LIMIT(str(client.client_id), address):
        raise RateLimited(wait)
    service_tokens.record_use(client_id=client.client_id, last_used_at=client.last_used_at, now=now)
    return client


def _basic_credentials(request: HttpRequest) -> ClientSecret | None:
    """Return the id and the secret of an Authorization header (RFC 7617, 2).

    Both are form-encoded before they are joined (RFC 6749, 2.3.1), so that an id may contain a colon.

    Raises: OAuthProblem.
    """
    header: str = request.META.get("HTTP_AUTHORIZATION", "")
    scheme, _, encoded = header.strip(" \t").partition(" ")
    if scheme.lower() != _SCHEME:
        return None
    try:
        raw = base64.b64decode(encoded.strip(" \t"), validate=True)
        client_id, colon, secret = raw.partition(b":")
        if not colon:
            raise invalid_client()
        return ClientSecret(_form_decoded(client_id), _form_decoded(secret), "client_secret_basic")
    except (binascii.Error, UnicodeDecodeError) as error:
        raise invalid_client() from error


def _form_decoded(encoded: bytes) -> str:
    return unquote_to_bytes(encoded.replace(b"+", b" ")).decode()
