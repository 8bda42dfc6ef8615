"""Windows that keep something about their facts: rules find in them what they find when they read all facts."""

from collections import Counter
from random import Random

import pytest

from security_events.detection import rules
from security_events.detection.fact_window import LARGE, MOST_FACTS, FactWindow
from security_events.detection.facts import Fact
from security_events.detection.simulation.deduplication import deduplicated
from security_events.detection.simulation.rule_measurement import stream
from security_events.geoip import Location
from tests.security_events.detection.plain_judges import PLAIN

PLACES = (
    None,
    Location(country="NO", city="Oslo", latitude=59.91, longitude=10.75, asn=64512),
    Location(country="NO", city="Oslo", latitude=59.91, longitude=10.75),
    Location(country="PE", latitude=-12.05, longitude=-77.04, radius_km=300, asn=64513),
)
SECONDS = 900.0  # the window of these tests


@pytest.fixture(scope="module", autouse=True)
def _loaded():
    rules.load()


def asked_rules():
    """The rules with a judge that keeps something, each with its own thresholds and with ones that find more."""
    for rule in rules.RULES.values():
        if rule.judge in PLAIN:
            yield rule, dict(rule.thresholds)
            yield rule, {name: max(1, value // 4) for name, value in rule.thresholds.items()}


def differences(rule, thresholds, window, found):
    """Ask both judges of a rule, count what was found, and return whether they differ."""
    finding = rule.judge(window, thresholds)
    expected = PLAIN[rule.judge](tuple(window), thresholds)
    found[rule.id] += expected is not None
    return (None if finding is None else dict(finding.evidence)) != expected


def chance_facts(rng, number, types):
    """Facts of few accounts, networks and programs, whose times are not quite in order, with summaries of repeats."""
    at = 1_000_000.0
    for each in range(number):
        at += rng.choice((0.0, 1.0, 5.0, 20.0))
        type_, network = rng.choice(types), f"10.0.{rng.randrange(4)}"
        moment = at - rng.choice((0.0, 0.0, 0.0, 2.0, 60.0))
        yield Fact(
            event_id=str(each),
            at=moment,
            type=type_,
            succeeded=type_.endswith("succeeded"),
            account=f"account-{rng.randrange(12)}",
            actor="actor",
            ip_address=f"{network}.{rng.randrange(9)}",
            network=network,
            program=f"program-{rng.randrange(3)}",
            is_unknown_name=rng.random() < 0.2,
            location=rng.choice(PLACES),
            is_relay=rng.random() < 0.1,
            times=rng.choice((1, 1, 1, 4)),
            since=rng.choice((0.0, 0.0, 0.0, moment - rng.uniform(0, 120))),
            is_new_client=rng.random() < 0.5,
            days_since_last=rng.choice((0, 40)),
        )


@pytest.mark.parametrize("seed", range(6))
def test_judges_find_in_chance_facts_what_those_do_that_read_all(seed):
    found = Counter()
    for number, (rule, thresholds) in enumerate(asked_rules()):
        window = FactWindow()
        for fact in chance_facts(Random(f"{seed} {number}"), 300, sorted(rule.watches)):
            window.add(fact, since=fact.at - SECONDS)
            if fact.type in rule.triggers:
                assert not differences(rule, thresholds, window, found), (rule.id, fact)
    assert len(found) == len({rule.id for rule, _thresholds in asked_rules()})
    assert len(+found) >= 7  # the others have findings in the simulated stream


def test_judges_find_in_a_simulated_stream_what_those_do_that_read_all():
    found, largest = Counter(), 0
    facts = deduplicated(stream(seed=402, people=40, days=40, attacks=2)[0])
    for rule, thresholds in asked_rules():
        windows = {}
        for fact in facts:
            if fact.type in rule.watches and (key := rule.key(fact)):
                window = windows.setdefault(key, FactWindow())
                window.add(fact, since=fact.at - rule.window)
                largest = max(largest, len(window))
                if fact.type in rule.triggers:
                    assert not differences(rule, thresholds, window, found), (rule.id, fact)
    assert largest > LARGE
    assert len(+found) == len({rule.id for rule, _thresholds in asked_rules()})


def test_rules_that_are_asked_about_new_clients_alone_find_nothing_at_known_ones():
    flagged = [rule for rule in rules.RULES.values() if rule.only_new_clients]
    known, found = Counter(), Counter()
    facts = stream(seed=403, people=40, days=40, attacks=2)[0]
    for rule in flagged:
        windows = {}
        for fact in facts:
            if fact.type in rule.watches and (key := rule.key(fact)):
                window = windows.setdefault(key, FactWindow())
                window.add(fact, since=fact.at - rule.window)
                if fact.type in rule.triggers:
                    is_found = rule.judge(window, rule.thresholds) is not None
                    found[rule.id] += is_found
                    known[rule.id] += not fact.is_new_client
                    assert fact.is_new_client or not is_found

    assert set(+found) == set(+known) == {rule.id for rule in flagged}


class TestFactWindow:
    @pytest.mark.parametrize("seed", range(4))
    def test_has_the_same_facts_however_seldom_it_is_read(self, seed):
        window, plain, rng = FactWindow(), [], Random(seed)
        for number, fact in enumerate(chance_facts(rng, 4000, ["a.done"])):
            since = fact.at - rng.choice((300, 300, 900))
            while plain and plain[0].at < since:
                del plain[0]
            plain.append(fact)
            window.add(fact, since=since)
            if rng.random() < (0.01 if number % 1000 < 500 else 0.5):
                assert list(window) == plain
                assert len(window) == len(plain)
                assert list(reversed(window)) == plain[::-1]
            elif rng.random() < 0.1:
                earlier = since - rng.uniform(0, 1000)
                assert window.newest(earlier) == [each for each in plain if each.at >= earlier]

    def test_keeps_the_newest_facts_and_deletes_those_before_a_moment(self):
        window = FactWindow()
        facts = list(chance_facts(Random(1), MOST_FACTS + 300, ["a.done"]))
        for fact in facts:
            window.add(fact, since=0.0)
        assert tuple(window) == tuple(facts[-MOST_FACTS:])

        kept = [fact for fact in facts if fact.at >= facts[-1].at - 100]
        window.add(facts[-1], since=facts[-1].at - 100)
        first = window[0]
        assert first in kept
        assert tuple(window) == (*facts[facts.index(first) :], facts[-1])

    def test_returns_the_newest_facts_although_times_are_not_in_order(self):
        window, rng = FactWindow(), Random(2)
        for fact in chance_facts(rng, 3 * LARGE, ["a.done"]):
            window.add(fact, since=fact.at - 300)
            since = fact.at - rng.uniform(-10, 400)
            assert window.newest(since) == [each for each in window if each.at >= since]
