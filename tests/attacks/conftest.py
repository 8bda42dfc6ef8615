"""What every attack needs: a victim, a way to show a token, and what the answer must be."""

import pytest
from rest_framework.test import APIClient

from security_events.models import SecurityEvent
from tests.accounts.conftest import api, hashing_recorder
from tests.attacks.forged_tokens.forgery import Mint
from tests.factories.tokens import open_session
from tokens.models import Session

GUARDED = (("get", "/api/v1/auth/sessions"), ("post", "/api/v1/auth/logout"), ("post", "/api/v1/auth/introspect"))


@pytest.fixture
def victim(db):
    return open_session()


@pytest.fixture
def mint(victim):
    """Make tokens that differ from the victim's in one thing."""
    return Mint(victim.access_token)


@pytest.fixture
def refused(victim):
    """Show a token to every kind of guarded view and expect the same refusal; the victim's session goes on."""

    def show(token, *, codes=("invalid_token",)):
        client = APIClient(raise_request_exception=True)
        for method, path in GUARDED:
            # As the server hands headers on: one character for each byte.
            header = b"Bearer " + (token if isinstance(token, bytes) else token.encode())
            body = {"token": victim.refresh_token} if path.endswith("introspect") else None
            response = getattr(client, method)(path, body, format="json", HTTP_AUTHORIZATION=header.decode("latin-1"))
            assert response.status_code == 401, (method, path, response.content)
            assert response["Content-Type"] == "application/problem+json"
            assert response.json()["code"] in codes
            assert response["WWW-Authenticate"].startswith('Bearer error="invalid_token"')
        assert Session.objects.get(pk=victim.session_id).ended_at is None

    return show


@pytest.fixture
def accepted():
    """Show a token and expect that it is good: what an attack is measured against."""

    def show(token):
        response = APIClient().get("/api/v1/auth/sessions", HTTP_AUTHORIZATION=f"Bearer {token}")
        assert response.status_code == 200, response.content

    return show


@pytest.fixture
def events(db):
    """Return this test's events of a type. Their table keeps what earlier tests committed: nothing can be deleted."""
    before = set(SecurityEvent.objects.values_list("pk", flat=True))
    return lambda kind: SecurityEvent.objects.filter(type=kind).exclude(pk__in=before)
