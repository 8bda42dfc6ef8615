"""Somebody who is signed in: through the test client for breadth, at a served process for what only the edge sees."""

import pytest
from django.test import Client

from tests import served
from tests.factories.accounts import UserFactory
from tests.factories.tokens import open_session


@pytest.fixture
def send(db, settings):
    """Send a request as the test client; calls that need it get a fresh access token."""
    settings.ACCOUNTS = {**settings.ACCOUNTS, "EMAIL_CONFIRMATION": "optional"}
    client = Client(raise_request_exception=False)

    def request(method, path, body=b"", *, signed_in=True, content_type="application/json", **headers):
        if signed_in:
            user = UserFactory(admin=path.startswith("/api/v1/admin/"))
            headers.setdefault("Authorization", f"Bearer {open_session(user=user).access_token}")
        return client.generic(method, path, body, content_type=content_type, headers=headers)

    return request


@pytest.fixture(scope="session")
def edge_database():
    with served.database() as url:
        yield url


@pytest.fixture(scope="session", params=[(), ("--http",)], ids=["one port", "http"])
def edge(edge_database, request):
    """A server of each kind: they read bodies and headers by different code."""
    with served.serving(database_url=edge_database, flags=request.param) as server:
        yield server
