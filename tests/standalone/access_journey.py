"""What `test_standalone.py` runs in a bare project: `accounts.access` alone, its calls and commands."""

import json
from base64 import b64encode
from io import StringIO

import pytest
from django.contrib.auth import get_user_model
from django.core.management import call_command
from django.test import Client
from django.utils import timezone

from accounts.access.services import active_policy
from accounts.access.services.decisions import may
from accounts.access.services.policy_changes import policy_change
from accounts.access.types import Author

pytestmark = pytest.mark.django_db
RULE = {"subject": "role:reader", "object": "documents/*", "action": "read", "effect": "allow"}


@pytest.fixture
def boss():
    user = get_user_model().objects.create_user("boss", password="violet harbour drum kite")
    give(user, "admin")
    return user


def give(user, role):
    with policy_change(author=Author(), reason="for a test", now=timezone.now()) as writer:
        writer.grant(f"user:{user.pk}", role)
    active_policy.refresh()


def call(user, method, path, body=None, **headers):
    credentials = b64encode(f"{user.get_username()}:violet harbour drum kite".encode()).decode()
    answer = Client().generic(
        method,
        f"/{path}",
        json.dumps(body) if body is not None else "",
        content_type="application/json",
        headers={"Authorization": f"Basic {credentials}", **headers},
    )
    active_policy.refresh()
    return answer


def test_rules_are_made_asked_and_taken_back_over_http(boss):
    ada = get_user_model().objects.create_user("ada", password="violet harbour drum kite")
    assert call(ada, "GET", "admin/policies").status_code == 403
    made = call(boss, "PUT", "admin/roles/reader", {"reason": "first"})
    assert made.status_code in {200, 201}, made.content
    rule = call(boss, "POST", "admin/policies", {**RULE, "reason": "first"})
    assert rule.status_code == 201, rule.content
    give(ada, "reader")

    question = {"object": "documents/1", "action": "read"}
    assert call(ada, "POST", "authz/check", question).json()["allowed"] is True
    about_ada = {**question, "subject": f"user:{ada.pk}"}
    assert call(boss, "POST", "authz/check", about_ada).json()["matched"]["rule"] == rule.json()["id"]
    assert call(ada, "POST", "authz/check", {**question, "subject": f"user:{boss.pk}"}).status_code == 403

    back = int(rule.headers["X-Policy-Version"]) - 1
    assert call(boss, "POST", "admin/policies/rollback", {"version": back, "reason": "oops"}).status_code == 200
    assert call(ada, "POST", "authz/check", question).json()["allowed"] is False


def test_permissions_of_django_follow_roles(boss):
    ada = get_user_model().objects.create_user("ada")
    assert not ada.has_perm("access.view_policyrule")
    give(ada, "policies:read")

    assert ada.has_perm("access.view_policyrule")
    assert not ada.has_perm("access.change_policyrule")
    assert may(boss, "policies:change")


def test_a_file_is_a_round_trip(boss, tmp_path):
    path = tmp_path / "policy.yaml"
    call_command("policies", "export", "--output", str(path), stdout=StringIO())
    with policy_change(author=Author(), reason="for a test", now=timezone.now()) as writer:
        writer.put_role("reader", {})
    call_command("policies", "import", str(path), "--reason", "back", stdout=StringIO())

    printed = StringIO()
    call_command("policies", "import", str(path), "--reason", "again", "--dry-run", stdout=printed)
    assert "reader" not in printed.getvalue()


def test_a_closed_account_may_nothing(boss):
    assert may(boss, "policies:change")
    boss.is_active = False

    assert not may(boss, "policies:change")
    assert not may(None, "policies:change")
