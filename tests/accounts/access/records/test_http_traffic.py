"""What was decided for real requests can be decided again: the same answers, all of them."""

import pytest
from rest_framework.test import APIClient

from accounts.access.models import DecisionRecord
from accounts.access.services import active_policy
from accounts.access.services.records import observing, replay, writing
from tests.factories.accounts import UserFactory
from tests.factories.tokens import open_session

pytestmark = pytest.mark.django_db
PATHS = ("auth/me", "admin/users", "admin/policies", "admin/roles", "admin/security-events", "admin/webhooks", "health")
OFFICE = {
    "weekdays": ["mon", "tue", "wed", "thu", "fri"],
    "from": "09:00",
    "until": "17:00",
    "time_zone": "Asia/Tehran",
}


@pytest.fixture
def client_of():
    def make(user):
        client = APIClient()
        client.credentials(HTTP_AUTHORIZATION=f"Bearer {open_session(user=user).access_token}")
        return client

    return make


def test_the_decisions_about_requests_are_the_same_under_their_own_versions(client_of, settings, now):
    settings.ACCESS = {**settings.ACCESS, "RECORD_ONE_IN": 1}
    observing.take()
    boss = client_of(UserFactory(admin=True))
    people = [client_of(UserFactory(department=name)) for name in ("sales", "support")]
    rules = (
        {"subject": "role:desk", "object": "permissions/users:read", "action": "use", "effect": "allow"},
        {"object": "permissions/*", "hours": OFFICE},
        {"object": "permissions/**", "effect": "deny", "department": "sales"},
        {"object": "documents/*", "conditions": [{"name": "network", "arguments": {"networks": ["127.0.0.0/8"]}}]},
    )
    assert boss.put("/api/v1/admin/roles/desk", {"reason": "x"}, format="json").status_code == 201
    for further in rules:
        body = {**rules[0], **further, "reason": "x"}
        assert boss.post("/api/v1/admin/policies", body, format="json").status_code == 201
        active_policy.refresh()
        for client in (boss, *people):
            for path in PATHS:
                client.get(f"/api/v1/{path}")
            client.post("/api/v1/authz/check", {"object": "documents/1", "action": "use"}, format="json")

    assert writing.write(now=now) > 20

    records = DecisionRecord.objects.all()
    replayed = list(replay.under_own_versions(records))
    assert {record.version for record in records} >= {3, 4, 5}
    assert {record.is_allowed for record in records} == {True, False}
    assert len(replayed) == records.count()
    assert all(each.is_same for each in replayed)
