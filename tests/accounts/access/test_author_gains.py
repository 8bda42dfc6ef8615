"""What the author of a version of the policy gained by it."""

from datetime import timedelta

import pytest

from accounts.access.models import PolicyVersion
from accounts.access.services import author_gains
from accounts.access.services.policy_changes import policy_change
from accounts.access.services.policy_restoring import rollback
from accounts.access.types import Approval, ApprovedDraft, Author

pytestmark = pytest.mark.django_db

ID = "019b8d5a-0c1e-7a30-9f52-0d6f6b0f8a10"
AUTHOR, OTHER = Author(ID, "boss"), Author("019b8d5a-0c1e-7a30-9f52-0d6f6b0f8a11", "omar")
READ = {"subject": f"user:{ID}", "object": "documents/*", "action": "read", "effect": "allow"}


@pytest.fixture
def change(now):
    return lambda author=OTHER, **more: policy_change(author=author, reason="-", now=now, **more)


@pytest.fixture
def gain(now):
    """Give a function that returns what the author of the newest version gained."""
    return lambda: author_gains.gain_of(version=PolicyVersion.objects.latest("number"), now=now)


@pytest.fixture
def clerk(change):
    """Store a role that the author and another person have, and one that inherits from it."""
    with change() as writer:
        writer.put_role("clerk", {})
        writer.put_role("chief", {"parents": ["clerk"]})
        writer.grant(f"user:{ID}", "chief")
        writer.grant(f"user:{OTHER.id}", "chief")


def test_a_rule_about_the_author_is_one_and_nobody_elses(change, gain):
    with change(AUTHOR) as writer:
        row = writer.add_rule(READ)

    assert (gain().rules, gain().is_alone, gain().approver_ids) == ([str(row.pk)], True, [])


@pytest.mark.parametrize("author", [OTHER, Author()], ids=["another person", "the command line"])
def test_a_rule_about_somebody_else_is_none(author, change, gain):
    with change(author) as writer:
        writer.add_rule(READ)

    assert gain() is None


def test_a_rule_about_a_role_that_the_author_inherits_is_one(change, gain, clerk):
    with change(AUTHOR) as writer:
        writer.add_rule({**READ, "subject": "role:clerk"})
    assert not gain().is_alone

    with change() as writer:
        writer.revoke(f"user:{OTHER.id}", "chief")
    with change(AUTHOR) as writer:
        writer.add_rule({**READ, "subject": "role:clerk", "object": "letters/*"})
    assert gain().is_alone


def test_a_rule_about_a_role_that_the_author_does_not_have_is_none(change, gain, clerk):
    with change(AUTHOR) as writer:
        writer.put_role("driver", {})
        writer.add_rule({**READ, "subject": "role:driver"})

    assert gain() is None


def test_what_the_author_may_do_already_is_none(change, gain, clerk):
    with change() as writer:
        writer.add_rule({**READ, "subject": "role:clerk", "object": "documents/**", "action": "*"})
    with change(AUTHOR) as writer:
        writer.add_rule(READ)

    assert gain() is None


def test_a_rule_that_outlasts_the_role_by_which_it_is_allowed_is_one(change, gain, clerk, now):
    with change() as writer:
        writer.add_rule({**READ, "subject": "role:clerk"})
        writer.grant(f"user:{ID}", "chief", expires_at=now + timedelta(hours=1))
    with change(AUTHOR) as writer:
        writer.add_rule({**READ, "valid_until": (now + timedelta(minutes=30)).isoformat()})
    assert gain() is None

    with change(AUTHOR) as writer:
        writer.add_rule(READ)
    assert gain().is_alone


def test_break_glass_does_not_hide_a_rule_that_stays(change, gain, now):
    with change(AUTHOR) as writer:
        writer.break_glass(f"user:{ID}", until=now + timedelta(hours=1))
        writer.add_rule(READ)

    assert gain().is_alone


def test_a_parent_of_a_role_that_the_author_has_is_one(change, gain, clerk):
    with change() as writer:
        writer.put_role("keeper", {})
        row = writer.add_rule({**READ, "subject": "role:keeper"})
    with change(AUTHOR) as writer:
        writer.put_role("clerk", {"parents": ["keeper"]})
    assert gain().rules == [str(row.pk)]

    with change(AUTHOR) as writer:
        writer.put_role("clerk", {"description": "Reads."})
    assert gain() is None


def test_a_denial_that_is_deleted_is_one(change, gain, clerk):
    with change() as writer:
        row = writer.add_rule(READ)
        denial = writer.add_rule({**READ, "subject": "role:clerk", "effect": "deny"})
    with change(AUTHOR) as writer:
        writer.remove_rule(denial.pk)

    assert gain().rules == [str(row.pk)]


def test_a_rollback_to_a_policy_that_allowed_more_is_one(change, gain, clerk, now):
    with change() as writer:
        row = writer.add_rule(READ)
    with change() as writer:
        writer.remove_rule(row.pk)
    rollback(number=writer.version - 1, author=AUTHOR, reason="-", now=now)

    assert gain().rules == [str(row.pk)]


def test_grants_and_notes_are_none(change, gain, clerk):
    with change(AUTHOR) as writer:
        writer.revoke(f"user:{OTHER.id}", "chief")
    assert gain() is None

    with change() as writer:
        row = writer.add_rule(READ)
    with change(AUTHOR) as writer:
        writer.change_rule(row.pk, {"note": "as agreed"})
    assert gain() is None


def test_of_a_draft_it_names_who_approved_it_but_not_the_author(change, gain, now):
    draft = ApprovedDraft("a-draft", (Approval(OTHER, now), Approval(AUTHOR, now)), OTHER)
    with change(AUTHOR, draft=draft) as writer:
        writer.add_rule(READ)

    assert (gain().draft, gain().approver_ids) == ("a-draft", [OTHER.id])


def test_a_service_client_is_an_author_like_a_person(change, gain):
    with change(AUTHOR) as writer:
        writer.add_rule({**READ, "subject": f"client:{ID}"})

    assert gain().is_alone
