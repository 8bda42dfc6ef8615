"""A client of an administrator, and how rules and roles are made over HTTP."""

import pytest
from rest_framework.test import APIClient

from tests.factories.accounts import UserFactory
from tests.factories.tokens import open_session

BASE = "/api/v1/admin/"
RULE = {"subject": "role:reader", "object": "documents/*", "action": "read", "effect": "allow"}


def signed_in(user=None):
    client = APIClient()
    client.credentials(HTTP_AUTHORIZATION=f"Bearer {open_session(user=user or UserFactory(admin=True)).access_token}")
    return client


@pytest.fixture
def boss(db):
    return UserFactory(admin=True, username="boss")


@pytest.fixture
def call(boss):
    """Call the API below ``/api/v1/admin/`` as an administrator."""
    client = signed_in(boss)

    def send(method, path, body=None, **headers):
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        return getattr(client, method)(BASE + path, body, format="json", headers=named)

    return send


@pytest.fixture
def reader(call):
    """The role that ``RULE`` is about."""
    answer = call("put", "roles/reader", {"description": "Reads.", "reason": "ticket 1"})
    assert answer.status_code == 201, answer.json()
    return answer


@pytest.fixture
def rule(call, reader):
    answer = call("post", "policies", {**RULE, "reason": "ticket 2"})
    assert answer.status_code == 201, answer.json()
    return answer
