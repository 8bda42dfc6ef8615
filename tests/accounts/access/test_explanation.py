"""Why a decision is as it is."""

import pytest

from accounts.access.services.explanation import explain
from accounts.access.types import Question, SubjectFacts

pytestmark = pytest.mark.django_db
READ = Question("documents/1", "read")


def test_names_the_deciding_rule_first_and_what_the_others_lack(policy, now):
    night = {"weekdays": ["mon"], "from": "01:00", "until": "02:00", "time_zone": "UTC"}
    policy.add(roles=["reader", ("lead", ["reader"])])
    allowing = policy.allow("role:reader", "documents/*")
    asleep = policy.allow("role:lead", "documents/**", hours=night, department="sales")
    denying = policy.deny("user:1", "documents/1")
    policy.allow("role:reader", "other/*")

    found = explain(SubjectFacts("user:1", frozenset({"lead"})), READ, at=now)

    assert found.roles == ("lead", "reader")
    assert [rule.id for rule in found.rules] == [str(rule.pk) for rule in (denying, allowing, asleep)]
    assert [rule.is_deciding for rule in found.rules] == [True, False, False]
    assert (found.rules[2].failing, found.rules[2].unknown) == (("hours",), ("department",))
    assert not found.decision.is_allowed


def test_says_nothing_where_no_rule_is_about_it(policy, now):
    found = explain(SubjectFacts("user:1", frozenset({"gone"})), READ, at=now)

    assert (found.rules, found.roles, found.decision.is_allowed) == ((), (), False)


def test_takes_what_is_no_object(policy, now):
    assert explain(SubjectFacts("user:1"), Question("a//b", "read"), at=now).rules == ()
