"""Who people and service clients are to access control."""

from datetime import timedelta

import pytest

from accounts.access.errors import LastAdministrator
from accounts.access.services.policy_changes import policy_change
from accounts.access.types import Author
from accounts.access_subjects import existing_subjects, find_subject
from accounts.rules.subject_facts import facts_of, pack, unpack
from tests.factories.accounts import UserFactory

pytestmark = pytest.mark.django_db


def test_keeps_the_end_of_each_role(now):
    assert unpack(pack({"reader": None, "auditor": now})) == {"reader": None, "auditor": now.timestamp()}


def test_a_grant_reaches_the_row_and_ends_by_itself(now):
    user = UserFactory()
    with policy_change(author=Author(), reason="tonight", now=now) as writer:
        writer.put_role("on-call", {})
        writer.grant(f"user:{user.pk}", "on-call", expires_at=now + timedelta(hours=8))
    user.refresh_from_db()

    assert facts_of(user, now).roles == {"on-call"}
    assert facts_of(user, now + timedelta(hours=8)).roles == frozenset()


def test_a_closed_account_is_nobody(now):
    user = UserFactory(is_active=False)

    assert facts_of(user, now) is None
    assert find_subject(f"user:{user.pk}", now) is None
    assert find_subject("user:nobody", now) is None


def test_lists_subjects_page_by_page(now):
    people = [UserFactory() for _ in range(3)]
    found, after = [], ""
    while page := existing_subjects(after, 2, now):
        found += [facts.subject for facts in page]
        after = found[-1]

    assert found == sorted(f"user:{user.pk}" for user in people)


def test_the_last_administrator_keeps_the_policy(now):
    UserFactory(admin=True)
    weekend = {"weekdays": ["sat"], "from": "00:00", "until": "12:00", "time_zone": "UTC"}
    locking = {"subject": "role:admin", "object": "permissions/policies:change", "action": "use", "effect": "deny"}
    with pytest.raises(LastAdministrator), policy_change(author=Author(), reason="oops", now=now) as writer:
        writer.add_rule({**locking, "hours": weekend})
