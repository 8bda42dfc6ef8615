"""Service clients, made by the service that operators register them with, and what they send."""

import base64
import json
import secrets
from datetime import UTC, datetime, timedelta
from urllib.parse import quote_plus

import jwt
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from django.utils import timezone
from jwt.algorithms import get_default_algorithms

from security_events.types import Subject
from tokens.service_clients.members import PRIVATE_KEY_JWT
from tokens.services import service_clients
from tokens.services.service_clients import Operator

ISSUER = "http://127.0.0.1:8000"
TOKEN_ENDPOINT = f"{ISSUER}/oauth/token"
ASSERTION_TYPE = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
MAKE = {
    "RS256": lambda: rsa.generate_private_key(65537, 2048),
    "PS256": lambda: rsa.generate_private_key(65537, 2048),
    "ES256": lambda: ec.generate_private_key(ec.SECP256R1()),
    "EdDSA": ed25519.Ed25519PrivateKey.generate,
    "Ed25519": ed25519.Ed25519PrivateKey.generate,
}


def operator(reason="for a test", may_grant=service_clients.everything):
    return Operator(Subject(id="7", name="operator"), reason, may_grant, service_clients.everybody)


def register(*, name="orders", scopes=("tokens:introspect",), now=None, **members):
    """Register a service client; return it and its secret."""
    return service_clients.register(
        members={"name": name, "scopes": list(scopes), **members}, operator=operator(), now=now or timezone.now()
    )


def public_jwk(private, *, algorithm, **members):
    """Return the public key of a private one as a JSON Web Key."""
    found = get_default_algorithms()[algorithm.replace("Ed25519", "EdDSA")].to_jwk(private.public_key(), as_dict=True)
    return {**{name: value for name, value in found.items() if name != "key_ops"}, **members}


def register_with_key(*, algorithm="ES256", name="signer", **members):
    """Register a service client that signs assertions; return it and its private key."""
    private = MAKE[algorithm]()
    jwks = {"keys": [public_jwk(private, algorithm=algorithm, kid="1")]}
    made = register(name=name, authentication_method=PRIVATE_KEY_JWT, jwks=jwks, **members)
    return made.client, private


def claims_of_assertion(client, *, now=None, **changes):
    """Return the claims of an assertion; a change to None leaves a claim out."""
    now = now or datetime.now(UTC)
    claims = {
        "iss": str(client.pk),
        "sub": str(client.pk),
        "aud": ISSUER,
        "jti": secrets.token_hex(8),
        "iat": int(now.timestamp()),
        "exp": int((now + timedelta(minutes=1)).timestamp()),
        **changes,
    }
    return {name: value for name, value in claims.items() if value is not None}


def assertion(client, private, *, algorithm="ES256", headers=None, now=None, **changes):
    """Return a signed assertion."""
    headers = {"kid": "1"} if headers is None else headers
    claims = claims_of_assertion(client, now=now, **changes)
    return jwt.encode(claims, private, algorithm=algorithm, headers=headers)


def asserted(text, **parameters):
    """Return the parameters by which a client authenticates with an assertion."""
    return {"client_assertion_type": ASSERTION_TYPE, "client_assertion": text, **parameters}


def basic(client_id, secret):
    """Return the header of client_secret_basic (RFC 6749, 2.3.1)."""
    pair = f"{quote_plus(str(client_id))}:{quote_plus(secret)}"
    return {"Authorization": "Basic " + base64.b64encode(pair.encode()).decode()}


def post(api, path, parameters, **options):
    """Send a form; parameters are a mapping, or the body as it is."""
    body = parameters if isinstance(parameters, str | bytes) else _encoded(parameters)
    return api.generic(
        "POST", path, body, content_type=options.pop("content_type", "application/x-www-form-urlencoded"), **options
    )


def _encoded(parameters):
    return "&".join(f"{quote_plus(name)}={quote_plus(value)}" for name, value in parameters.items())


def answer(response):
    """Return the status and the body of an answer."""
    return response.status_code, json.loads(response.content)
