"""A service client that is deleted while it is given a role: no role is left of a client that is gone."""

from functools import partial

import pytest
from django.utils import timezone

from accounts.access.models import RoleGrant
from accounts.access.services.policy_changes import policy_change
from accounts.access.types import Author
from accounts.services.administration import client_roles
from tests.factories.accounts import UserFactory
from tests.factories.service_clients import operator, register
from tokens.errors import ServiceClientNotFound
from tokens.models import ServiceClient
from tokens.services import service_clients

pytestmark = pytest.mark.attack("CWE-362")
ROUNDS = 5


def give(client, role, by):
    return client_roles.grant_role(client_id=client.pk, role=role, by=by, reason="at once", now=timezone.now())


def delete(client):
    service_clients.delete(client_id=client.pk, operator=operator(), now=timezone.now())
    return "deleted"


def test_no_role_outlives_its_client(at_once):
    boss = UserFactory(admin=True)
    with policy_change(author=Author(), reason="x", now=timezone.now()) as writer:
        for number in range(3):
            writer.put_role(f"role-{number}", {})
    for number in range(ROUNDS):
        client = register(name=f"orders {number}").client
        gives = [partial(give, client, f"role-{role}", boss) for role in range(3)]
        outcomes = at_once(*gives, partial(delete, client))

        assert "deleted" in outcomes
        assert [each for each in outcomes if isinstance(each, Exception)] == [
            each for each in outcomes if isinstance(each, ServiceClientNotFound)
        ]
        assert not ServiceClient.objects.filter(pk=client.pk).exists()
        assert not RoleGrant.objects.filter(subject=f"client:{client.pk}").exists()
