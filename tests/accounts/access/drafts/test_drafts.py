"""Drafts: made, approved by others, applied as one version; where approvers are demanded nothing else changes rules."""

from datetime import timedelta

import pytest

from accounts.access import selectors
from accounts.access.errors import (
    ApprovalMissing,
    ApprovalRequired,
    DraftNotFound,
    NotApprover,
    NotDraftAuthor,
    OwnDraft,
    RoleInUse,
    RuleExists,
    RuleInvalid,
    StaleDraft,
    VersionMismatch,
)
from accounts.access.known_permissions import BREAK_GLASS
from accounts.access.models import PolicyDraft, PolicyVersion, RoleGrant
from accounts.access.services import active_policy
from accounts.access.services.drafts import approving, editing
from accounts.access.services.policy_changes import policy_change
from accounts.access.services.policy_restoring import rollback
from accounts.access.types import Author
from tests.factories.accounts import UserFactory

pytestmark = pytest.mark.django_db
READ = {"subject": "role:reader", "object": "documents/*", "action": "read", "effect": "allow"}
ADD_READER = {"op": "add", "role": "reader", "definition": {"description": "Reads."}}
ADD_READ = {"op": "add", "rule": READ}


def author_of(user):
    return Author(str(user.pk), user.username)


@pytest.fixture
def ada():
    return author_of(UserFactory(username="ada"))


@pytest.fixture
def grace():
    return author_of(UserFactory(username="grace"))


@pytest.fixture
def two_approvers(settings):
    settings.ACCESS = {**settings.ACCESS, "APPROVERS": 2}


@pytest.fixture
def draft(ada, now):
    return lambda *changes, by=ada, base=None: editing.create(
        changes=list(changes), base_version=base, author=by, reason="Readers read.", now=now
    )


def change(draft, by, now, *, changes=None, versions=None):
    return editing.change(draft_id=draft.pk, changes=changes, reason=None, versions=versions, author=by, now=now)


def approve(draft, by, now, *, versions=None):
    return approving.approve(draft_id=draft.pk, versions=versions, approver=by, now=now)


def apply(draft, by, now, *, versions=None):
    return approving.apply(draft_id=draft.pk, versions=versions, by=by, now=now)


class TestADraft:
    def test_is_applied_as_one_version_of_its_author(self, draft, ada, grace, now):
        made = draft(ADD_READER, ADD_READ)
        before = selectors.head().version

        applied = apply(made, grace, now)

        version = PolicyVersion.objects.get(number=before + 1)
        assert applied.applied_version == version.number
        assert (version.author, version.author_id, version.reason) == ("ada", ada.id, "Readers read.")
        (rule_id,) = [key for key, rule in selectors.all_rules().items() if rule["subject"] == "role:reader"]
        assert rule_id == made.changes[1]["id"]
        assert [entry["kind"] for entry in version.changes] == ["role", "rule", "draft"]
        assert version.changes[2]["after"] == {"applied_by": "grace", "applied_by_id": grace.id}

    def test_changes_nothing_before(self, draft):
        before = selectors.head(), selectors.all_rules()
        draft(ADD_READER, ADD_READ)
        assert (selectors.head(), selectors.all_rules()) == before

    def test_is_stale_once_rules_changed_and_not_by_a_grant(self, draft, ada, grace, now):
        made = draft(ADD_READER)
        with policy_change(author=ada, reason="x", now=now) as writer:
            writer.grant("user:7", "admin")
        assert not editing.is_stale(made.base_version)
        with policy_change(author=ada, reason="x", now=now) as writer:
            writer.put_role("writer", {})

        with pytest.raises(StaleDraft):
            apply(made, grace, now)
        with pytest.raises(StaleDraft):
            approve(made, grace, now)
        assert apply(change(made, ada, now), grace, now).applied_version

    def test_can_be_applied_once(self, draft, grace, ada, now):
        made = draft(ADD_READER)
        apply(made, grace, now)
        for act in (
            lambda: apply(made, grace, now),
            lambda: change(made, ada, now),
            lambda: editing.delete(draft_id=made.pk, versions=None, author=ada, now=now),
        ):
            with pytest.raises(StaleDraft):
                act()

    def test_of_a_version_that_its_author_did_not_see_is_refused(self, draft, ada, now):
        seen = selectors.head().version
        with policy_change(author=ada, reason="x", now=now) as writer:
            writer.put_role("writer", {})
        for base in (seen, writer.version + 1):
            with pytest.raises(StaleDraft):
                draft(ADD_READER, base=base)
        assert draft(ADD_READER, base=writer.version)

    def test_swaps_what_two_rules_say(self, draft, ada, now):
        with policy_change(author=ada, reason="x", now=now) as writer:
            writer.put_role("reader", {})
            one, two = writer.add_rule(READ), writer.add_rule({**READ, "action": "list"})
        made = draft(
            {"op": "update", "id": str(one.pk), "rule": {"action": "list"}},
            {"op": "update", "id": str(two.pk), "rule": {"action": "read"}},
        )
        apply(made, ada, now)
        rules = selectors.all_rules()
        assert [rules[str(each.pk)]["action"] for each in (one, two)] == ["list", "read"]

    def test_removes_a_role_with_its_rules_unless_somebody_has_it(self, draft, ada, now):
        with policy_change(author=ada, reason="x", now=now) as writer:
            writer.put_role("reader", {})
            rule = writer.add_rule(READ)
            writer.grant("user:7", "reader")
        made = draft({"op": "remove", "id": str(rule.pk)}, {"op": "remove", "role": "reader"})
        with pytest.raises(RoleInUse):
            apply(made, ada, now)
        with policy_change(author=ada, reason="x", now=now) as writer:
            writer.revoke("user:7", "reader")
        apply(made, ada, now)
        assert "reader" not in selectors.all_roles()

    def test_restores_an_earlier_version(self, ada, now):
        wanted = selectors.head().version
        documents = selectors.all_rules(), selectors.all_roles()
        with policy_change(author=ada, reason="x", now=now) as writer:
            writer.put_role("reader", {})
            writer.add_rule(READ)
        made = editing.create_restoring(number=wanted, author=ada, reason="It was wrong.", now=now)
        apply(made, ada, now)
        assert (selectors.all_rules(), selectors.all_roles()) == documents

    @pytest.mark.parametrize(
        ("changes", "member"),
        [
            ([], "changes"),
            ({}, "changes"),
            ([ADD_READER] * 501, "changes"),
            ([1], "changes.0.op"),
            ([{"op": ["add"]}], "changes.0.op"),
            ([{"op": "add"}], "changes.0.rule"),
            ([{"op": "add", "rule": READ, "x": 1}], "changes.0.x"),
            ([{"op": "add", "rule": 1}], "changes.0.rule"),
            ([{"op": "add", "rule": {**READ, "effect": "Deny"}}], "changes.0.rule.effect"),
            ([ADD_READER, {"op": "remove", "id": 7}], "changes.1.id"),
            ([{"op": "update", "rule": {}}], "changes.0.id"),
            ([{"op": "remove", "id": "018f3b5e-0000-7000-8000-000000000000"}], "changes.0.id"),
            ([{"op": "remove", "role": "nobody"}], "changes.0.role"),
            ([{"op": "add", "role": "admin", "definition": {}}], "changes.0.role"),
            ([{"op": "add", "role": "users:read", "definition": {}}], "changes.0.role"),
            ([{"op": "add", "role": "x", "definition": {"parents": "y"}}], "changes.0.definition.parents"),
            ([{"op": "add", "role": "x", "definition": {"parents": ["y"]}}], "changes"),
            ([ADD_READ], "changes"),  # for a role that there is not
            ([{"op": "remove", "role": "admin"}], "changes"),  # which a rule names
            (
                [
                    {"op": "add", "role": "a", "definition": {"parents": ["b"]}},
                    {"op": "add", "role": "b", "definition": {"parents": ["a"]}},
                ],
                "changes",
            ),
        ],
    )
    def test_with_a_mistake_is_refused_by_the_member(self, draft, changes, member, ada, now):
        with pytest.raises(RuleInvalid) as refusal:
            editing.create(changes=changes, base_version=None, author=ada, reason="x", now=now)
        assert refusal.value.member == member
        assert not PolicyDraft.objects.exists()

    def test_with_a_rule_that_there_is_already_is_refused(self, draft):
        with pytest.raises(RuleExists):
            draft(ADD_READER, ADD_READ, ADD_READ)

    def test_is_one_of_so_many(self, draft, monkeypatch, grace):
        monkeypatch.setattr(editing, "MOST_OPEN", 2)
        draft(ADD_READER)
        draft(ADD_READER)
        with pytest.raises(RuleInvalid):
            draft(ADD_READER)
        assert draft(ADD_READER, by=grace)

    def test_ends_when_nobody_touches_it(self, draft, now):
        draft(ADD_READER)
        assert editing.purge(now=now + timedelta(days=90)) == 0
        assert editing.purge(now=now + timedelta(days=91)) == 1


class TestApproval:
    def test_is_needed_of_as_many_as_the_setting_says(self, two_approvers, draft, ada, grace, now):
        third = author_of(UserFactory(username="third"))
        made = draft(ADD_READER)
        for missing, approver in ((2, grace), (1, third)):
            with pytest.raises(ApprovalMissing) as refusal:
                apply(made, ada, now)
            assert refusal.value.missing == missing
            approve(made, approver, now)
            approve(made, approver, now)  # a second time counts once

        applied = apply(made, ada, now)

        version = PolicyVersion.objects.get(number=applied.applied_version)
        assert [entry["after"]["name"] for entry in version.changes if entry["kind"] == "approval"] == [
            "grace",
            "third",
        ]

    def test_of_ones_own_draft_is_refused(self, draft, ada, now):
        with pytest.raises(OwnDraft):
            approve(draft(ADD_READER), ada, now)

    def test_is_lost_by_a_change_which_only_the_author_can_make(self, two_approvers, draft, ada, grace, now):
        made = draft(ADD_READER)
        approve(made, grace, now)
        with pytest.raises(NotDraftAuthor):
            change(made, grace, now, changes=[ADD_READER, ADD_READ])

        change(made, ada, now, changes=[ADD_READER, ADD_READ])

        assert approving.approvals_of(made) == []

    def test_is_of_what_was_seen(self, draft, ada, grace, now):
        made = draft(ADD_READER)
        change(made, ada, now, changes=[ADD_READER, ADD_READ])
        with pytest.raises(VersionMismatch):
            approve(made, grace, now, versions={made.version})
        with pytest.raises(VersionMismatch):
            apply(made, grace, now, versions={made.version})

    def test_of_a_closed_account_does_not_count(self, settings, draft, ada, now):
        settings.ACCESS = {**settings.ACCESS, "APPROVERS": 1}
        leaving = UserFactory(username="leaving")
        made = draft(ADD_READER)
        approve(made, author_of(leaving), now)
        leaving.is_active = False
        leaving.save()
        with pytest.raises(ApprovalMissing):
            apply(made, ada, now)

    def test_of_a_service_client_is_refused(self, draft, now):
        with pytest.raises(NotApprover):
            approve(draft(ADD_READER), Author("018f3b5e-0000-7000-8000-000000000000", "robot"), now)

    def test_of_no_draft_is_not_found(self, draft, grace, now):
        made = draft(ADD_READER)
        made.delete()
        for act in (approve, apply):
            with pytest.raises(DraftNotFound):
                act(PolicyDraft(), grace, now)
