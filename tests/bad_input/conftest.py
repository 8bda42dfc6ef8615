"""Somebody who is signed in: through the test client for breadth, at a served process for what only the edge sees."""

import pytest
from django.db import transaction
from django.test import Client

from tests.factories.accounts import UserFactory
from tests.factories.tokens import open_session
from tests.problem_shape import FOR_THEIR_SHAPE
from tests.programs import served


@pytest.fixture
def send(db, settings):
    """Send a request as the test client; calls that need it get the access token of somebody who did nothing yet.

    To make somebody and sign them in takes as long as most requests, so what was done is taken back.
    """
    settings.ACCOUNTS = {**settings.ACCOUNTS, "EMAIL_CONFIRMATION": "optional"}
    client = Client(raise_request_exception=False)
    tokens, before = {}, None

    def request(method, path, body=b"", *, signed_in=True, content_type="application/json", **headers):
        is_admin = path.startswith(("/api/v1/admin/", "/access/", "/api/v1/health", "/api/v1/metrics"))
        nonlocal before
        if signed_in:
            if is_admin not in tokens:
                tokens[is_admin] = open_session(user=UserFactory(admin=is_admin)).access_token
                # Not by `atomic`: services that demand to be the outermost one would refuse to work.
                before = transaction.savepoint()
            headers.setdefault("Authorization", f"Bearer {tokens[is_admin]}")
        answer = client.generic(method, path, body, content_type=content_type, headers=headers)
        if signed_in and answer.status_code not in FOR_THEIR_SHAPE:
            transaction.savepoint_rollback(before)
        return answer

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
