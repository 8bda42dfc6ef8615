"""Streams of shared signals: their owners, their receivers, and what was delivered."""

import json
import time
from uuid import UUID

import jwt
from django.db import connection
from django.utils import timezone

from security_events.delivery import kinds, sender
from tests.factories.service_clients import basic, post, register
from tests.factories.tokens import claims_of
from tokens.services import revocation

CAEP = "https://schemas.openid.net/secevent/caep/event-type/"
SSF = "https://schemas.openid.net/secevent/ssf/event-type/"
SESSION_REVOKED, CREDENTIAL_CHANGE = f"{CAEP}session-revoked", f"{CAEP}credential-change"
ASSURANCE_LEVEL_CHANGE, VERIFICATION = f"{CAEP}assurance-level-change", f"{SSF}verification"
STREAM_UPDATED = f"{SSF}stream-updated"
PUSH, POLL = "urn:ietf:rfc:8935", "urn:ietf:rfc:8936"
STREAMS, STATUS, VERIFY = "/ssf/streams", "/ssf/status", "/ssf/verification"
ADD, REMOVE = "/ssf/subjects/add", "/ssf/subjects/remove"
ISSUER = "http://127.0.0.1:8000"


class Receiver:
    """A service client that manages its streams by the API, polls, and verifies with nothing but the JWKS."""

    def __init__(self, api, *, name="siem", scopes=("ssf:manage",)):
        made = register(name=name, scopes=list(scopes))
        self.api, self.client = api, made.client
        api.credentials()
        answer = post(
            api, "/oauth/token", {"grant_type": "client_credentials"}, headers=basic(made.client.pk, made.secret)
        )
        self.token = answer.json()["access_token"]

    def call(self, method, path, body=None):
        """Send a request as JSON with the client's token."""
        self.api.credentials(HTTP_AUTHORIZATION=f"Bearer {self.token}")
        return self.api.generic(method, path, "" if body is None else json.dumps(body), content_type="application/json")

    def create(self, **members):
        """Create a stream; return its configuration."""
        if not connection.in_atomic_block:
            wait_for_the_trail()
        answer = self.call("POST", STREAMS, members)
        assert answer.status_code == 201, answer.content
        return answer.json()

    def poll(self, stream, **body):
        """Poll a stream; return the answer."""
        answer = self.call("POST", f"/ssf/poll/{stream['stream_id']}", body)
        assert answer.status_code == 200, answer.content
        return answer.json()

    def polled(self, stream):
        """Deliver what there is, then return the verified claims of all tokens, and acknowledge them."""
        deliver(stream)
        sets = self.poll(stream)["sets"]
        self.poll(stream, maxEvents=0, ack=list(sets))
        return [self.verified(token) for token in sets.values()]

    def verified(self, token, *, audience=None):
        """Return the claims of a token that is right in all that a receiver checks (RFC 8417, 4; the framework, 5)."""
        return verified(token, jwks=self.api.get("/.well-known/jwks.json").json(), audience=audience or self.client.pk)


def verified(token, *, jwks, audience):
    """Return the claims of a security event token, verified by PyJWT with the keys of the JWKS alone."""
    header = jwt.get_unverified_header(token)
    assert header == {"alg": "RS256", "typ": "secevent+jwt", "kid": header["kid"]}
    key = jwt.PyJWKSet.from_dict(jwks)[header["kid"]]
    claims = jwt.decode(
        token,
        key,
        ["RS256"],
        audience=str(audience),
        issuer=ISSUER,
        options={"require": ["iss", "aud", "iat", "jti"]},
    )
    assert not {"exp", "sub", "nbf"} & claims.keys()
    assert len(claims["events"]) == 1
    return claims


def deliver(stream, *, now=None):
    """Let the dispatcher's code deliver what there is for a stream."""
    kinds.load()
    wait_for_the_trail()
    stream_id = UUID(stream["stream_id"])
    while sender.deliver(stream_id, now=now or timezone.now()):
        pass


def wait_for_the_trail():
    """Wait until all events can be read: a process of the database, such as autovacuum, holds them back a moment."""
    deadline, newest = time.monotonic() + 120, "COALESCE(max(transaction_id), 0)"
    with connection.cursor() as cursor:
        while time.monotonic() < deadline:
            cursor.execute(f"SELECT {newest} < security_events_oldest_transaction() FROM security_events_event")
            if cursor.fetchone()[0]:
                return
            time.sleep(0.01)
    raise AssertionError("a transaction holds the trail back")


def sign_out(pair):
    """End a session by its access token; return its id."""
    assert revocation.log_out(claims=claims_of(pair), now=timezone.now()) == 1
    return pair.session_id


def event_of(claims):
    """Return the type and the object of a token's one event."""
    ((uri, event),) = claims["events"].items()
    return uri, event
