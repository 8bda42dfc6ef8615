"""Windows of which only the newest facts were read: rules answer as they do with all facts, or ask for the others."""

from collections import Counter
from dataclasses import replace
from random import Random

import pytest

from security_events.detection import rules
from security_events.detection.fact_window import FactWindow, newest
from security_events.detection.newest_facts import (
    ALL,
    NOTHING,
    MissingFacts,
    NewestFacts,
    OlderFactsNeeded,
    missing_facts,
)
from security_events.detection.rules import Finding
from security_events.detection.simulation.deduplication import deduplicated
from security_events.detection.simulation.rule_measurement import stream
from security_events.detection.window_summaries import OpenFailures
from tests.security_events.detection.test_fact_window import chance_facts

FEW = 6


@pytest.fixture(scope="module", autouse=True)
def _loaded():
    rules.load()


def newest_of(window, fact, rule):
    """Return the part of a window that a read of the newest few facts before another one gives, and that one."""
    few = sorted(window, key=lambda each: each.at)[-FEW:]
    part = NewestFacts(after=min((each.at for each in few), default=float("-inf")))
    part.fill(each for each in window if each in few)
    part.add(fact, since=fact.at - rule.window)
    return part


def outcomes(rule, facts, thresholds):
    """Ask a rule about each trigger, with all facts and with the newest: yield both answers, or what it asked for."""
    windows = {}
    for fact in facts:
        if fact.type not in rule.watches or not (key := rule.key(fact)):
            continue
        window = windows.setdefault(key, FactWindow())
        part = newest_of(window, fact, rule) if len(window) >= FEW else None
        window.add(fact, since=fact.at - rule.window)
        if part is not None and fact.type in rule.triggers:
            try:
                yield rule.judge(window, thresholds), rule.judge(part, thresholds)
            except OlderFactsNeeded:
                yield rule.judge(window, thresholds), OlderFactsNeeded


def long_rules():
    return [rule for rule in rules.RULES.values() if rule.window >= 86400 and rule.triggers]


def check(facts, thresholds_of):
    """Return how often the newest facts were enough, and how often rules asked for more, by the rule."""
    enough, asked = Counter(), Counter()
    for rule in long_rules():
        for complete, partial in outcomes(rule, facts, thresholds_of(rule)):
            if partial is OlderFactsNeeded:
                asked[rule.id] += 1
            else:
                assert partial == complete, rule.id
                enough[rule.id] += 1
    return enough, asked


def test_on_a_simulated_stream_they_are_nearly_always_enough():
    facts = deduplicated(stream(seed=403, people=40, days=40, attacks=2)[0])
    enough, asked = check(facts, lambda rule: rule.thresholds)

    assert {"brute_force", "success_after_guessing", "impossible_travel", "new_client"} <= enough.keys()
    assert enough["brute_force"] > 2 * asked["brute_force"] > 0


@pytest.mark.parametrize("seed", range(3))
def test_on_chance_facts_with_low_thresholds_they_never_change_an_answer(seed):
    types = sorted({name for rule in long_rules() for name in rule.watches if name.startswith("authentication.login")})
    facts = [*chance_facts(Random(seed), 800, types)]
    enough, asked = check(facts, lambda rule: {name: max(1, value // 4) for name, value in rule.thresholds.items()})

    assert enough.total() > 100
    assert asked.total() > 100


class TestNewestFacts:
    def window(self):
        facts = list(chance_facts(Random(4), 8, ["a.done"]))
        window = NewestFacts(after=facts[0].at - 1)
        window.fill(facts)
        return window, facts

    @pytest.mark.parametrize(
        "question",
        [
            len,
            list,
            lambda window: window[0],
            lambda window: window[:-1],
            lambda window: list(reversed(window)),
            lambda window: window.summary(OpenFailures),
            lambda window: window.newest(0.0),
        ],
    )
    def test_ask_for_what_was_not_read(self, question):
        with pytest.raises(OlderFactsNeeded):
            question(self.window()[0])

    def test_know_the_trigger_and_what_is_newer_than_a_moment(self):
        window, facts = self.window()
        since = sorted(each.at for each in facts)[3]

        assert window[-1] is facts[-1]
        assert window.newest(since) == [each for each in facts if each.at >= since]


class TestMissingFacts:
    @pytest.mark.parametrize(
        ("judge", "missing"),
        [
            (lambda _facts, _thresholds: None, None),
            (lambda _facts, _thresholds: Finding({"events": 1}), ALL),
            (lambda facts, _thresholds: len(facts) or None, ALL),
            (lambda _facts, _thresholds: 1 // 0, ALL),
            (lambda facts, _thresholds: newest(facts, 7.0) and None, MissingFacts(7.0)),
            (lambda facts, _thresholds: list(reversed(facts)) and None, MissingFacts(is_newest=True)),
        ],
        ids=["silent", "finds", "counts", "fails", "looks back", "goes back"],
    )
    def test_are_what_findings_faults_and_questions_need(self, judge, missing):
        rule = replace(rules.RULES["brute_force"], judge=judge)
        facts = list(chance_facts(Random(5), 4, sorted(rule.triggers)))

        for known, after in (((), NOTHING), (facts[:-1], facts[0].at)):
            asked = missing_facts(rule, rule.thresholds, known=known, after=after, batch=facts[-1:])
            assert asked == missing

    def test_are_none_once_all_since_the_moment_are_known(self):
        rule = replace(rules.RULES["brute_force"], judge=lambda facts, _thresholds: newest(facts, 7.0) and None)
        (fact,) = chance_facts(Random(5), 1, sorted(rule.triggers))

        assert missing_facts(rule, rule.thresholds, known=(), after=6.9, batch=[fact]) is None
        assert missing_facts(rule, rule.thresholds, known=(), after=7.0, batch=[fact]) == MissingFacts(7.0)
