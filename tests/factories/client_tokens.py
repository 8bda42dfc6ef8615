"""What service clients do with their credentials, by the services themselves."""

from tokens.access_tokens.codec import decode_access_token
from tokens.services import client_authentication, service_tokens
from tokens.services.client_authentication import ClientSecret


def authenticate(made, *, secret=None, now):
    """Authenticate a registered client by its secret or by another one."""
    given = ClientSecret(str(made.client.pk), secret or made.secret, "client_secret_basic")
    return client_authentication.authenticate(credentials=given, audiences=(), now=now)


def claims_of(made, *, now, scope=None):
    """Return the claims of a new access token of a client."""
    client = authenticate(made, now=now)
    return decode_access_token(service_tokens.issue(client=client, scope=scope, now=now).access_token)


def use(claims, *, now):
    """Authenticate an access token of a client."""
    return service_tokens.authenticate_claims(claims=claims, now=now)
