"""Every change makes one version, which can be undone; the process that made it decides by it at once."""

from uuid import uuid4

import pytest

from accounts.access import selectors
from accounts.access.errors import (
    RoleInUse,
    RoleNotFound,
    RuleExists,
    RuleInvalid,
    SeparationOfDuty,
    VersionMismatch,
    VersionNotFound,
)
from accounts.access.models import PolicyVersion, Role
from accounts.access.services import active_policy
from accounts.access.services.decisions import decide
from accounts.access.services.policy_changes import policy_change
from accounts.access.services.policy_restoring import rollback
from accounts.access.types import Author, Question, SubjectFacts

pytestmark = pytest.mark.django_db

AUTHOR = Author("1", "ada")
READ = {"subject": "role:reader", "object": "documents/*", "action": "read", "effect": "allow"}


@pytest.fixture
def change(now):
    def begin(reason="because"):
        return policy_change(author=AUTHOR, reason=reason, now=now)

    return begin


def allowed(now, *, roles=("reader",), path="documents/1", action="read"):
    active_policy.refresh()
    facts = SubjectFacts("user:7", frozenset(roles))
    return decide(facts, Question(path, action), at=now).is_allowed


def test_ships_a_role_that_may_do_everything(now):
    assert allowed(now, roles=("admin",), path="any/thing", action="whatever")
    assert not allowed(now, roles=())


def test_makes_one_version_of_one_change(change, now):
    with change() as writer:
        writer.put_role("reader", {"description": "Reads."})
        rule = writer.add_rule(READ)
    stored = PolicyVersion.objects.get(number=writer.version)

    assert [entry["kind"] for entry in stored.changes] == ["role", "rule"]
    assert (stored.author, stored.reason, stored.is_of_rules) == ("ada", "because", True)
    assert allowed(now)
    assert active_policy.version() == writer.version == rule.version


def test_makes_no_version_of_a_change_of_nothing(change):
    with change() as writer:
        writer.put_role("reader", {})
        writer.add_rule(READ)
    before = selectors.head()
    with change() as writer:
        writer.put_role("reader", {})

    assert selectors.head() == before
    assert writer.version == before.version


@pytest.mark.parametrize(
    ("members", "member"),
    [
        ({"effect": "Deny"}, "effect"),
        ({"subject": "reader"}, "subject"),
        ({"object": "documents/../keys"}, "object"),
        ({"object": "documents/secret*"}, "object"),
        ({"action": "read\n"}, "action"),
        ({"efect": "allow"}, "efect"),
        ({"hours": {"weekdays": ["mon"]}}, "hours"),
        ({"conditions": [{"name": "eval", "arguments": {}}]}, "conditions"),
        ({"valid_from": "2026-01-01T00:00:00"}, "valid_from"),
        ({"valid_from": "2026-01-02T00:00:00Z", "valid_until": "2026-01-01T00:00:00Z"}, "valid_until"),
    ],
)
def test_refuses_what_is_no_rule(change, members, member):
    before = selectors.head()
    refused = None
    try:
        with change() as writer:
            writer.put_role("reader", {})
            writer.add_rule({**READ, **members})
    except RuleInvalid as error:
        refused = error.member

    assert refused == member
    assert selectors.head() == before
    assert not Role.objects.filter(name="reader").exists()


def test_refuses_a_rule_of_a_role_that_does_not_exist(change):
    with pytest.raises(RoleNotFound), change() as writer:
        writer.add_rule(READ)


def test_refuses_a_rule_that_says_what_another_one_says(change):
    with change() as writer:
        writer.put_role("reader", {})
        rule = writer.add_rule(READ)
    with pytest.raises(RuleExists) as refusal, change() as writer:
        writer.add_rule({**READ, "note": "other words"})

    assert refusal.value.rule_id == str(rule.pk)


def test_changes_only_the_version_that_was_seen(change):
    with change() as writer:
        writer.put_role("reader", {})
        rule = writer.add_rule(READ)
    with change() as writer:
        writer.change_rule(rule.pk, {"action": "write"}, versions={rule.version})
    with pytest.raises(VersionMismatch), change() as writer:
        writer.change_rule(rule.pk, {"action": "delete"}, versions={rule.version})


def test_keeps_a_role_that_is_used(change):
    with change() as writer:
        writer.put_role("reader", {})
        writer.put_role("writer", {"parents": ["reader"]})
        writer.grant("user:1", "writer")
    for name in ("reader", "writer"):
        with pytest.raises(RoleInUse), change() as writer:
            writer.remove_role(name)


def test_separates_duties_through_inherited_roles(change):
    with change() as writer:
        writer.put_role("payer", {})
        writer.put_role("approver", {"separation_of_duty": ["payer"]})
        writer.put_role("lead", {"parents": ["approver"]})
        writer.grant("user:1", "payer")
    with pytest.raises(SeparationOfDuty), change() as writer:
        writer.grant("user:1", "lead")


def test_a_grant_alone_builds_no_new_index(change, now):
    with change() as writer:
        writer.put_role("reader", {})
    active_policy.refresh()
    rules_id = selectors.head().rules_id
    with change() as writer:
        writer.grant("user:1", "reader")

    assert selectors.head().rules_id == rules_id
    assert active_policy.refresh() == writer.version
    assert decide(SubjectFacts("user:1"), Question("a", "b"), at=now).version == writer.version


def test_an_unreadable_policy_denies_everything(change, now):
    with change() as writer:
        writer.put_role("reader", {})
        rule = writer.add_rule(READ)
    assert allowed(now)
    type(rule).objects.filter(pk=rule.pk).update(conditions=[{"name": "gone", "arguments": {}}])
    active_policy.forget()

    assert not allowed(now)
    assert not allowed(now, roles=("admin",))


def test_what_is_being_changed_is_not_in_force_yet(change, now):
    with change() as writer:
        writer.put_role("reader", {})

    def refused_at_last():
        with change() as writer:  # in a process that has not seen the version before
            writer.add_rule(READ)
            active_policy.refresh()
            writer.add_rule({**READ, "effect": "Allow"})

    with pytest.raises(RuleInvalid):
        refused_at_last()

    facts = SubjectFacts("user:7", frozenset({"reader"}))
    assert not decide(facts, Question("documents/1", "read"), at=now).is_allowed


def test_many_rules_are_refused_as_one_is(change):
    with change() as writer:
        writer.put_role("reader", {})
        rule = writer.add_rule(READ)
    other = {**READ, "action": "write"}
    refused = (
        ([READ], RuleExists),
        ([other, {**other, "note": "again"}], RuleExists),
        ([{**other, "subject": "role:nobody"}], RoleNotFound),
        ([{**other, "effect": "Allow"}], RuleInvalid),
    )
    for documents, error in refused:
        with pytest.raises(error), change() as writer:
            writer.add_rules({uuid4(): document for document in documents})
    assert [row.pk for row in type(rule).objects.filter(subject="role:reader")] == [rule.pk]
