"""Who asks is never taken from the question, and break-glass is above the policy."""

from datetime import timedelta

import pytest
from django.contrib.auth.models import AnonymousUser

from accounts.access.deciding.index import Reason
from accounts.access.known_permissions import BREAK_GLASS, KNOWN_PERMISSIONS
from accounts.access.services.decisions import decide, may, permissions_of
from accounts.access.types import Question, SubjectFacts
from tests.factories.accounts import UserFactory, give

pytestmark = pytest.mark.django_db
OWN = [{"name": "same", "arguments": {"left": "subject.department", "right": "resource.department"}}]


def test_a_claim_about_oneself_is_not_believed(policy, now):
    policy.allow("user:1", "documents/*", conditions=OWN)
    claimed = {"subject": {"department": "sales"}, "resource": {"department": "sales"}}
    question = Question("documents/1", "read", claimed)

    assert not decide(SubjectFacts("user:1", attributes={"department": "legal"}), question, at=now).is_allowed
    assert not decide(SubjectFacts("user:1"), question, at=now).is_allowed
    assert decide(SubjectFacts("user:1", attributes={"department": "sales"}), question, at=now).is_allowed


def test_break_glass_allows_what_a_rule_denies(policy, now):
    policy.deny("user:1", "**", action="*")
    facts = SubjectFacts("user:1", frozenset({BREAK_GLASS}))
    decision = decide(facts, Question("documents/1", "read"), at=now)

    assert (decision.is_allowed, decision.reason) == (True, Reason.BREAK_GLASS)
    assert permissions_of(facts, at=now, names=KNOWN_PERMISSIONS) == set(KNOWN_PERMISSIONS)


def test_a_role_counts_until_it_ends(now):
    user = UserFactory()
    give(user, "users:read", until=now + timedelta(hours=1))

    assert may(user, "users:read", at=now)
    assert not may(user, "users:read", at=now + timedelta(hours=1))
    assert not may(user, "users:change", at=now)


def test_nobody_may_nothing(now):
    assert not may(None, "users:read", at=now)
    assert not may(AnonymousUser(), "users:read", at=now)
