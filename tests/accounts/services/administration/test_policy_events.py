"""Each change of the access policy is an event: before and after, by whom and why."""

import hashlib
import json

import pytest

from accounts.access.errors import RoleNotFound
from accounts.access.models import PolicyVersion
from accounts.access.services.policy_changes import policy_change
from accounts.access.services.policy_restoring import rollback
from accounts.access.types import Approval, ApprovedDraft, Author
from accounts.services.administration import policy_events
from tests.factories.accounts import UserFactory

pytestmark = pytest.mark.django_db

RULE = {"subject": "role:reader", "object": "documents/*", "action": "read", "effect": "allow"}
AUTHOR = Author("019b8d5a-0c1e-7a30-9f52-0d6f6b0f8a10", "boss")
OMAR = Author("019b8d5a-0c1e-7a30-9f52-0d6f6b0f8a11", "omar")


@pytest.fixture
def change(now):
    return lambda reason="ticket 7": policy_change(author=AUTHOR, reason=reason, now=now)


@pytest.fixture
def rule(change):
    with change() as writer:
        writer.put_role("reader", {})
        return writer.add_rule(RULE)


def test_a_rule_is_added_changed_and_deleted(change, events, rule):
    with change("ticket 8") as writer:
        writer.change_rule(rule.pk, {"effect": "deny"})
    with change("ticket 9") as writer:
        writer.remove_rule(rule.pk)

    (added,), (changed,), (deleted,) = (events(f"policy.rule_{what}") for what in ("added", "changed", "deleted"))
    assert (added.actor_id, added.target_id) == (AUTHOR.id, str(rule.pk))
    assert added.data["before"] is None
    assert added.data["after"] | RULE == added.data["after"]
    assert (changed.data["before"]["effect"], changed.data["after"]["effect"]) == ("allow", "deny")
    assert (changed.data["note"], changed.data["version"]) == ("ticket 8", writer.version - 1)
    assert deleted.data["before"] == changed.data["after"]
    assert deleted.data["after"] is None


def test_a_role_is_added_changed_and_deleted(change, events):
    with change() as writer:
        writer.put_role("reader", {})
    with change() as writer:
        writer.put_role("reader", {"description": "Reads."})
    with change() as writer:
        writer.remove_role("reader")

    descriptions = [
        [each and each["description"] for each in (event.data["before"], event.data["after"])]
        for event in (*events("role.added"), *events("role.changed"), *events("role.deleted"))
    ]
    assert descriptions == [[None, ""], ["", "Reads."], ["Reads.", None]]


def test_a_grant_is_about_the_person(change, events, now):
    user = UserFactory(username="mina")
    with change() as writer:
        writer.put_role("reader", {})
        writer.grant(f"user:{user.pk}", "reader", expires_at=now.replace(year=2030))
    with change() as writer:
        writer.revoke(f"user:{user.pk}", "reader")

    (granted,), (revoked,) = events("role.granted"), events("role.revoked")
    assert granted.target_id == revoked.target_id == str(user.pk)
    assert "mina" not in granted.target_name  # names are masked
    assert granted.data["role"] == "reader"
    assert (granted.data["before"], granted.data["after"]) == (None, {"expires_at": "2030-03-01T12:00:00+00:00"})
    assert (revoked.data["before"], revoked.data["after"]) == (granted.data["after"], None)


def test_a_change_that_is_rolled_back_is_no_event(change, events):
    with pytest.raises(RoleNotFound), change() as writer:
        writer.add_rule({**RULE, "subject": writer.put_role("reader", {}) and "role:nobody"})
    assert not events("role.added").exists()


def test_a_version_that_was_restored_is_named(change, events, rule, now):
    wanted = PolicyVersion.objects.latest("number").number
    with change() as writer:
        writer.remove_rule(rule.pk)
    rollback(number=wanted, author=AUTHOR, reason="oh", now=now)

    assert [event.data.get("restored") for event in events("policy.rule_added").order_by("pk")] == [None, wanted]


def test_thousands_of_changes_are_one_event_with_their_digest(change, events):
    number = policy_events.MOST_EVENTS + 1
    with change("imported") as writer:
        writer.put_role("reader", {})
        for each in range(number):
            writer.add_rule({**RULE, "object": f"documents/{each}"})

    assert not events("policy.rule_added").exists()
    (replaced,) = events("policy.replaced")
    assert (replaced.data["rules"], replaced.data["roles"], replaced.data["grants"]) == (number, 1, 0)
    changes = PolicyVersion.objects.get(number=writer.version).changes
    text = json.dumps(changes, sort_keys=True, separators=(",", ":"))
    assert replaced.data["changes_digest"] == hashlib.sha256(text.encode()).hexdigest()


class TestOwnRightsExtended:
    def test_by_a_rule_is_about_the_author(self, change, events):
        with change("ticket 7") as writer:
            row = writer.add_rule({**RULE, "subject": f"user:{AUTHOR.id}"})

        (extended,) = events("policy.own_rights_extended")
        assert (extended.actor_id, extended.target_id) == (AUTHOR.id, AUTHOR.id)
        assert extended.data == {
            "version": writer.version,
            "rules": [str(row.pk)],
            "draft": None,
            "approver_ids": [],
            "note": "ticket 7",
        }

    @pytest.mark.parametrize(("holders", "approvers"), [(2, 0), (2, 1), (1, 1)])
    def test_is_no_event_of_a_shared_role_that_somebody_else_approved(self, holders, approvers, change, events, now):
        with change() as writer:
            writer.put_role("reader", {})
            for subject in (AUTHOR.id, OMAR.id)[:holders]:
                writer.grant(f"user:{subject}", "reader")
        draft = ApprovedDraft("a-draft", (Approval(OMAR, now),)[:approvers], OMAR)
        with policy_change(author=AUTHOR, reason="-", now=now, draft=draft) as writer:
            writer.add_rule(RULE)

        assert events("policy.own_rights_extended").exists() is ((holders, approvers) != (2, 1))

    def test_by_a_whole_policy_is_an_event_beside_the_digest(self, change, events):
        with change() as writer:
            for each in range(policy_events.MOST_EVENTS + 1):
                writer.add_rule({**RULE, "subject": f"user:{AUTHOR.id}", "object": f"documents/{each}"})

        (extended,) = events("policy.own_rights_extended")
        assert len(extended.data["rules"]) == 20
        assert events("policy.replaced").exists()
