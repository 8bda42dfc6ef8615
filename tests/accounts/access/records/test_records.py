"""Decisions are recorded as they were evaluated, within bounds, and can be evaluated again."""

import contextlib
import math
import random
from datetime import timedelta

import pytest
from django.db import connection

from accounts.access.errors import RuleExists
from accounts.access.models import DecisionCount, DecisionRecord, GrantUse, RuleUse
from accounts.access.services import active_policy
from accounts.access.services.decisions import decide, decide_each, evaluate
from accounts.access.services.policy_changes import policy_change
from accounts.access.services.records import evaluated, observing, replay, writing
from accounts.access.types import Question, SubjectFacts
from tests.accounts.access.random_documents import AUTHOR, random_question, random_rule_document, store_roles

pytestmark = pytest.mark.django_db
MINUTE = timedelta(minutes=1)


@pytest.fixture(autouse=True)
def nothing_noted():
    observing.take()
    yield
    observing.take()


@pytest.fixture
def change(now):
    return lambda: policy_change(author=AUTHOR, reason="because", now=now)


@pytest.fixture
def record_all(settings):
    settings.ACCESS = {**settings.ACCESS, "RECORD_ONE_IN": 1}


@pytest.fixture
def reader(change):
    """Somebody who may read documents of their own department, and nothing else."""
    same = {"name": "same", "arguments": {"left": "subject.department", "right": "resource.department"}}
    with change() as writer:
        writer.put_role("reader", {})
        rule = writer.add_rule(
            {
                "subject": "role:reader",
                "object": "documents/*",
                "action": "read",
                "effect": "allow",
                "conditions": [same],
            }
        )
    active_policy.refresh()
    attributes = {"department": "sales", "email": "ada@private.example"}
    return SubjectFacts("user:7", frozenset({"reader"}), attributes), str(rule.pk)


def ask(facts, path, now, **resource):
    return decide(facts, Question(path, "read", {"resource": resource}), at=now).is_allowed


def test_the_same_version_decides_all_recorded_decisions_alike(record_all, change, now, monkeypatch):
    """A property: rules, roles and their changes are random, and so are the questions between the changes."""
    monkeypatch.setattr(observing, "MOST_DENIALS", 10_000)
    monkeypatch.setattr(observing, "MOST_ALLOWS", 10_000)
    monkeypatch.setattr(observing, "MOST_OF_SUBJECT", 10_000)
    monkeypatch.setattr(writing, "MOST_IN_A_MINUTE", 10_000)
    rng = random.Random(5)
    with change() as writer:
        store_roles(writer, rng)
    stored = []
    for _version in range(12):
        with change() as writer:
            for rule_id in [each for each in stored if rng.random() < 0.2]:
                writer.remove_rule(rule_id)
                stored.remove(rule_id)
            for _ in range(4):
                with contextlib.suppress(RuleExists):
                    stored.append(writer.add_rule(random_rule_document(rng)).pk)
        active_policy.refresh()
        for _ in range(100):
            facts, question, at = random_question(rng)
            decide(facts, question, at=at)

    writing.write(now=now)

    records = list(DecisionRecord.objects.all())
    replayed = list(replay.under_own_versions(records))
    assert len({record.version for record in records}) == 12
    assert {record.is_allowed for record in records} == {True, False}
    assert len(replayed) == len(records) > 500
    assert all(each.is_same for each in replayed)


def test_only_what_the_rules_read_is_recorded(record_all, reader, now):
    facts, rule_id = reader
    assert ask(facts, "documents/1", now, department="sales", title="Layoffs")
    assert not ask(facts, "documents/1", now, department="research", title="Layoffs")

    assert writing.write(now=now) == 2

    allowed, denied = DecisionRecord.objects.order_by("-is_allowed")
    assert (allowed.rule, allowed.reason, allowed.version) == (rule_id, "allowed_by_rule", active_policy.version())
    assert (denied.subject, denied.object, denied.action, denied.at) == ("user:7", "documents/1", "read", now)
    assert evaluated.from_text(denied.evaluated) == (
        frozenset({"reader"}),
        {"subject": {"department": "sales"}, "resource": {"department": "research"}},
    )


def test_a_flood_of_equal_denials_is_one_record(reader, now):
    facts, _rule = reader
    for _ in range(500):
        ask(facts, "documents/1/x", now)

    assert writing.write(now=now) == 1
    assert DecisionRecord.objects.get().times == 500
    assert DecisionCount.objects.get().decisions == 500


def test_a_flood_of_different_denials_is_bounded_and_leaves_room_for_others(reader, now):
    facts, _rule = reader
    for number in range(2000):
        ask(facts, f"keys/{number}", now)
    for number in range(2000):
        ask(SubjectFacts(f"user:x{number}"), f"keys/{number}", now)
    assert ask(facts, "documents/1", now, department="sales")

    stored = sum(writing.write(now=now) for _ in range(3))

    records = DecisionRecord.objects.all()
    assert stored == records.count() <= writing.MOST_IN_A_MINUTE
    assert records.filter(subject="user:7", is_allowed=False).count() == observing.MOST_OF_SUBJECT
    assert records.filter(is_allowed=True).count() == 1
    counts = DecisionCount.objects.get()
    assert (counts.decisions, counts.recorded, counts.dropped) == (4001, stored, 4001 - stored)


def test_all_processes_together_stay_below_the_bound_of_a_minute(reader, now, monkeypatch):
    monkeypatch.setattr(writing, "MOST_IN_A_MINUTE", 20)
    facts, _rule = reader
    for process in range(4):  # each begins with nothing noted
        for number in range(5):
            ask(facts, f"keys/{process}/{number}", now)
        writing.write(now=now)
    assert DecisionRecord.objects.count() == 10

    ask(facts, "keys/later", now + MINUTE)
    assert writing.write(now=now + MINUTE + timedelta(seconds=1)) == 1


def test_allowed_decisions_are_sampled_rule_by_rule(reader, change, now):
    facts, often = reader
    with change() as writer:
        seldom = writer.add_rule({"subject": "user:7", "object": "report", "action": "read", "effect": "allow"})
    active_policy.refresh()
    for _ in range(250):
        ask(facts, "documents/1", now, department="sales")
    ask(facts, "report", now)

    writing.write(now=now)

    assert DecisionRecord.objects.filter(rule=often).count() == 3
    assert DecisionRecord.objects.filter(rule=str(seldom.pk)).count() == 1
    assert dict(RuleUse.objects.values_list("rule", "uses")) == {often: 250, str(seldom.pk): 1}
    assert [(use.subject, use.role, use.uses) for use in GrantUse.objects.all()] == [("user:7", "reader", 250)]


def test_uses_of_all_processes_add_up_and_survive_a_failure(reader, now):
    facts, rule_id = reader
    ask(facts, "documents/1", now, department="sales")
    writing.write(now=now)
    for _ in range(3):
        ask(facts, "documents/1", now, department="sales")
    with connection.execute_wrapper(broken), pytest.raises(ConnectionError):
        writing.write(now=now)
    ask(facts, "documents/1", now, department="sales")

    writing.write(now=now + MINUTE)

    use = RuleUse.objects.get(rule=rule_id)
    assert (use.uses, use.last_used_at) == (5, now + MINUTE)


def broken(*_details):
    raise ConnectionError


@pytest.mark.parametrize(
    ("department", "is_kept"),
    [
        ("sales", True),
        (math.nan, True),
        (1e300, True),
        (-0.0, True),
        (2**70, True),
        ("\x00 \ud800", True),
        (None, True),
        ({"name": ["sales", {"deep": 1.5}]}, True),
        (("sales",), False),  # JSON would make a list of it, which is not equal to a tuple
        ({1: "x"}, False),
        pytest.param(10**5000, False, id="thousands of digits"),
        ("x" * 100_000, False),
        (object(), False),
    ],
)
def test_a_value_comes_back_as_it_was_or_the_record_says_so(reader, now, department, is_kept):
    facts, _rule = reader
    asked = SubjectFacts(facts.subject, facts.roles, {"department": department})
    is_allowed = decide(asked, Question("documents/1", "read", {"resource": {"department": department}}), at=now)
    assert is_allowed.is_allowed is not (isinstance(department, float) and math.isnan(department))
    writing.write(now=now)
    decide(asked, Question("documents/1", "read", {"resource": {"department": "other"}}), at=now)

    writing.write(now=now)

    record = DecisionRecord.objects.filter(is_allowed=False).latest("pk")
    assert bool(record.evaluated) is is_kept
    replayed = list(replay.under_own_versions(DecisionRecord.objects.all()))
    assert replayed or not is_kept
    assert all(each.is_same for each in replayed)


@pytest.mark.parametrize("path", ["a\x00b", "\ud800", "x" * 5000, "", "a//b"])
def test_a_hostile_object_is_recorded_without_harm(reader, now, path):
    facts, _rule = reader
    assert not ask(facts, path, now)

    assert writing.write(now=now) == 1
    assert DecisionRecord.objects.get().reason == "invalid_object"


def test_an_attribute_that_raises_fails_no_request(reader, now):
    class Raising(dict):
        def get(self, *_arguments):
            raise RuntimeError("a lazy attribute")

    active_policy.refresh()
    assert not decide(SubjectFacts("user:9"), Question("x", "read", {"resource": Raising()}), at=now).is_allowed


def test_decisions_that_are_made_together_are_recorded_as_single_ones(record_all, reader, now):
    facts, rule_id = reader
    raising = type("Raising", (dict,), {"get": lambda *_: 1 / 0})()
    asked = [
        (facts, Question("documents/1", "read", {"resource": {"department": "sales"}})),
        (SubjectFacts("user:9"), Question("documents/1", "read", {"resource": raising})),
        *[(facts, Question("keys/1", "read", {"resource": {"department": "sales"}}))] * 3,
    ]

    found = decide_each(asked, at=now, policy=active_policy.current())

    assert [decision.is_allowed for decision in found] == [True, False, False, False, False]
    assert found == [evaluate(active_policy.current(), who, question, at=now) for who, question in asked]
    writing.write(now=now)
    records = DecisionRecord.objects.order_by("object").values_list("object", "is_allowed", "times")
    assert set(records) == {("documents/1", True, 1), ("keys/1", False, 3)}
    assert DecisionCount.objects.get().decisions == 5
    assert RuleUse.objects.get(rule=rule_id).uses == 1


def test_records_end_after_their_time_and_beyond_their_number(reader, now, monkeypatch):
    facts, _rule = reader
    for day in range(4):
        ask(facts, f"keys/{day}", now)
        writing.write(now=now + timedelta(days=day))

    assert writing.purge(now=now + timedelta(days=31)) == 1
    monkeypatch.setattr(writing, "MOST_RECORDS", 2)
    assert writing.purge(now=now + timedelta(days=31)) == 1
    assert set(DecisionRecord.objects.values_list("object", flat=True)) == {"keys/2", "keys/3"}


def test_nothing_is_recorded_where_it_is_switched_off(reader, settings, now):
    settings.ACCESS = {**settings.ACCESS, "RECORD_ONE_IN": 0}
    facts, rule_id = reader
    active_policy.refresh()
    ask(facts, "documents/1", now, department="sales")
    ask(facts, "keys/1", now)

    assert writing.write(now=now) == 0
    assert RuleUse.objects.get().rule == rule_id
