"""A new installation begins with a policy, which is never put back."""

import pytest

from accounts.access import selectors
from accounts.access.models import PolicyHead, PolicyRule, PolicyVersion, Role
from accounts.access.services import shipped_policy
from accounts.access.services.policy_changes import policy_change
from accounts.access.types import Author

pytestmark = pytest.mark.django_db


def test_is_stored_once(now):
    for model in (PolicyRule, Role, PolicyVersion, PolicyHead):
        model.objects.all().delete()
    shipped_policy.ship(now=now)

    assert selectors.head().version == 1
    assert "admin" in selectors.all_roles()
    before = selectors.all_rules()
    shipped_policy.ship(now=now)
    assert selectors.all_rules() == before
    assert PolicyVersion.objects.count() == 1


def test_is_not_put_back_after_a_change(now):
    roles = selectors.all_roles()
    named = {other for role in roles.values() for other in (*role["parents"], *role["separation_of_duty"])}
    extra = next(name for name in roles if name not in {"admin", *named})
    with policy_change(author=Author(), reason="not ours", now=now) as writer:
        for row in PolicyRule.objects.filter(subject=f"role:{extra}"):
            writer.remove_rule(row.pk)
        writer.remove_role(extra)
    shipped_policy.ship(now=now)

    assert extra not in selectors.all_roles()


def test_knows_whether_its_tables_are_there():
    assert shipped_policy.is_installed()
