"""Rules see deduplicated refusals: the model of it that rules are measured on, and that they count right with it."""

import sys
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from accounts import detection_rules as ours
from accounts.event_types import LOGIN_FAILED
from security_events import context
from security_events.detection import rules
from security_events.detection.fact_window import MOST_FACTS, FactWindow
from security_events.detection.facts import Fact, fact_from
from security_events.detection.rules import RULES
from security_events.detection.simulation.deduplication import NETWORK_LIMIT, SUMMARY_DELAY, deduplicated
from security_events.detection.windows import MemoryWindows
from security_events.event_form import EVENT_COLUMNS, event_form
from security_events.services import deduplication
from security_events.types import Subject
from tests.budgets import examples

rules.load()
FAILED, SUCCEEDED = "authentication.login_failed", "authentication.login_succeeded"
BEGAN = datetime(2026, 1, 5, 10, tzinfo=UTC)
DELAY = 60 + int(SUMMARY_DELAY)
# Rules that look at shares of accounts see a share before the summary has come: they are measured, not compared.
COMPARED = (ours.BRUTE_FORCE, ours.DISTRIBUTED_BRUTE_FORCE, ours.ENUMERATION)


def failure(at, account="mina", address="198.51.100.9", **more):
    return Fact(
        event_id=f"{at}-{account}-{address}",
        at=float(at),
        type=FAILED,
        succeeded=False,
        account=account,
        actor=account,
        ip_address=address,
        network=address.rpartition(".")[0],
        program="curl",
        **more,
    )


@pytest.mark.django_db
def test_the_model_makes_the_same_of_a_flood_as_the_database():
    from django.db import connection

    tries = [(second, f"name-{second % 40}") for second in range(0, 150, 1)]
    model = []
    for second, name in tries:
        with context.bind(context.RequestContext(ip_address="198.51.100.9", user_agent="curl/8")):
            subject = Subject(name=name)
            deduplication.record(LOGIN_FAILED, actor=subject, target=subject, now=BEGAN + timedelta(seconds=second))
        model.append(failure(BEGAN.timestamp() + second, name))
    for minute in (1, 2, 3):
        deduplication.record_counts(now=BEGAN + timedelta(minutes=minute, seconds=SUMMARY_DELAY))
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT {EVENT_COLUMNS} FROM security_events_event event WHERE type = %s", [FAILED])
        stored = [fact_from(event_form(row)) for row in cursor.fetchall()]

    assert deduplication.NETWORK_LIMIT == NETWORK_LIMIT
    assert sorted((round(each.began_at), each.times) for each in stored) == sorted(
        (round(each.began_at), each.times) for each in deduplicated(model)
    )
    assert any(each.since for each in stored)


ATTEMPTS = st.lists(
    st.tuples(
        st.integers(0, 2400),
        st.sampled_from(["mina", "omar", "nobody-1", "nobody-2"]),
        st.sampled_from([f"198.51.{n}.9" for n in range(6)]),
    ),
    max_size=80,
)


def causes(rule, facts, *, longer):
    """Return the keys that a rule finds, with its windows made longer by some seconds."""
    wider = replace(rule, window=rule.window + longer)
    thresholds = {"seconds": rule.thresholds["seconds"] + longer} if "seconds" in rule.thresholds else {}
    return {each.key for each in MemoryWindows([wider], thresholds={rule.id: thresholds}).findings(facts)}


@pytest.mark.property
@settings(max_examples=examples())
@given(attempts=ATTEMPTS, home=st.booleans())
def test_the_same_is_found_of_a_deduplicated_stream_up_to_the_delay_of_its_summaries(attempts, home):
    raw = [
        failure(3600 + at, account, address, is_unknown_name=account.startswith("nobody"))
        for at, account, address in sorted(attempts)
    ]
    if home:
        known = failure(0, "mina", "198.51.0.1")
        raw = [replace(known, type=SUCCEEDED, succeeded=True, program="Firefox"), *raw]
    seen = deduplicated(raw)

    assert sum(each.times for each in seen) == len(raw)
    for rule in COMPARED:
        assert causes(rule, raw, longer=-DELAY) <= causes(rule, seen, longer=0) <= causes(rule, raw, longer=DELAY)


def test_a_summary_is_not_held_against_an_account_that_succeeded_meanwhile():
    office = []
    for number in range(60):
        at, account = 3600 + 3 * number, f"person-{number}"
        office += [failure(at, account), failure(at + 0.5, account), failure(at + 0.7, account)]
        office.append(replace(failure(at + 1, account), type=SUCCEEDED, succeeded=True))

    for rule in (ours.CREDENTIAL_STUFFING, ours.PASSWORD_SPRAYING, ours.DISTRIBUTED_SPRAYING):
        assert list(MemoryWindows([rule]).findings(deduplicated(office))) == []


def lines_run(call):
    """Return how many lines of Python a call runs: a cost that does not depend on the machine."""
    count = 0

    def trace(_frame, event, _argument):
        nonlocal count
        count += event == "line"
        return trace

    before = sys.gettrace()
    sys.settrace(trace)
    try:
        call()
    finally:
        sys.settrace(before)
    return count


def hostile_window(rule, number):
    """Return facts that differ in all that a rule groups by, end with a trigger, and are of all types in turn."""
    types = sorted(rule.watches - rule.triggers) + sorted(rule.triggers)
    facts = [
        replace(
            failure(each, f"account-{each}", f"10.{each // 250 % 250}.{each % 250}.1"),
            type=types[each % len(types)],
            succeeded=types[each % len(types)] == SUCCEEDED,
            is_unknown_name=True,
            program=f"program-{each}",
            since=each - 1.0,
        )
        for each in range(number)
    ]
    last = replace(facts[-1], at=float(number), type=types[-1], succeeded=types[-1] == SUCCEEDED, network="new")
    return (*facts, replace(last, program="new", is_new_client=True, is_password_alone=True, days_since_last=999))


@pytest.mark.parametrize("rule", RULES.values(), ids=RULES)
def test_a_judge_is_linear_in_a_hostile_window(rule):
    def cost(number):
        window = hostile_window(rule, number)
        return lines_run(lambda: rule.judge(window, rule.thresholds))

    small, large = cost(MOST_FACTS // 2), cost(MOST_FACTS)

    assert large <= 2.2 * small + 50
    assert large <= 60 * MOST_FACTS


@pytest.mark.parametrize(
    "rule_id", ["brute_force", "credential_stuffing", "password_spraying", "distributed_spraying", "enumeration"]
)
def test_a_judge_that_finds_nothing_does_not_read_a_large_window_again(rule_id):
    rule = RULES[rule_id]
    thresholds = dict.fromkeys(rule.thresholds, 10**6) | {"seconds": 60, "few_percent": 1, "band_percent": 1}
    window, costs = FactWindow(), {}
    for number, fact in enumerate(hostile_window(rule, 2 * MOST_FACTS)):
        window.add(fact, since=0.0)
        if fact.type in rule.triggers and rule.judge(window, thresholds) is None and number % 100 > 90:
            costs[number] = lines_run(lambda: rule.judge(window, thresholds))

    small, large = (costs[max(number for number in costs if number < bound)] for bound in (200, 2 * MOST_FACTS))
    assert large <= small + 50
