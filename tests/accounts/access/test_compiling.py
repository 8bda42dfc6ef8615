"""The stored documents become what decides: with the roles that permissions are, and never with a mistake."""

import pytest

from accounts.access.errors import RolesInvalid, RuleInvalid
from accounts.access.rule_documents import parse_rule
from accounts.access.services.compiling import compile_policy, permission_rules, renumbered

RULE = parse_rule({"subject": "role:reader", "object": "documents/*", "action": "read", "effect": "allow"})
READER = {"description": "", "parents": [], "separation_of_duty": []}


def ask(policy, now, *, roles, path, action):
    decision = policy.decide(
        subject="user:1", roles=frozenset(roles), object_path=path, action=action, attributes={}, at=now
    )
    return decision.is_allowed, decision.version


def test_each_permission_is_a_role_of_its_own(now):
    policy = compile_policy(rules={}, roles={}, version=3)

    assert ask(policy, now, roles=["users:read"], path="permissions/users:read", action="use") == (True, 3)
    assert ask(policy, now, roles=["users:read"], path="permissions/users:change", action="use") == (False, 3)
    assert {rule.id for rule in permission_rules()} >= {"users:read", "policies:change"}


def test_another_number_changes_no_answer(now):
    policy = compile_policy(rules={"1": RULE}, roles={"reader": READER}, version=3)
    other = renumbered(policy, 4)

    for roles in (["reader"], []):
        answers = [ask(each, now, roles=roles, path="documents/1", action="read") for each in (policy, other)]
        assert answers == [(bool(roles), 3), (bool(roles), 4)]


def test_a_mistake_is_no_policy():
    with pytest.raises(RuleInvalid):
        compile_policy(
            rules={"1": {**RULE, "conditions": [{"name": "gone", "arguments": {}}]}},
            roles={"reader": READER},
            version=1,
        )
    with pytest.raises(RolesInvalid):
        compile_policy(rules={}, roles={"reader": {**READER, "parents": ["nobody"]}}, version=1)
