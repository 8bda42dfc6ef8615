"""Windows of a backtest: the same findings as live ones, and memory that does not grow with the stream."""

import pytest

from security_events.detection import rules
from security_events.detection.backtest.windows import SharedWindows
from security_events.detection.simulation.rule_measurement import stream
from security_events.detection.windows import MemoryWindows


@pytest.fixture(scope="module")
def facts():
    rules.load()
    return stream(seed=401, people=60, days=45, attacks=2)[0]


def findings(windows, facts):
    for fact in facts:
        for asked, window in windows.asked(fact):
            for rule in asked:
                finding = rule.judge(window, rule.thresholds)
                if finding is not None:
                    yield rule.id, rule.incident_key(fact), fact.event_id, dict(finding.evidence)


def test_rules_find_what_they_find_in_windows_of_their_own(facts):
    all_rules = tuple(rules.RULES.values())
    own = [
        (found.rule.id, found.key, found.trigger.event_id, dict(found.finding.evidence))
        for found in MemoryWindows(all_rules).findings(facts)
    ]
    shared = list(findings(SharedWindows(all_rules, sweep_every=200), facts))

    assert len({rule for rule, *_ in own}) >= 8
    assert sorted(own, key=str) == sorted(shared, key=str)


def test_facts_are_forgotten_when_there_are_too_many_and_the_newest_windows_stay(facts):
    windows = SharedWindows(tuple(rules.RULES.values()), most_kept=300, sweep_every=50)
    groups = windows._by_group.values()
    kept = []
    for fact in facts:
        list(windows.asked(fact))
        kept.append(sum(group.size() for group in groups))

    assert max(kept) <= 300 + 50 * sum(len(group.kinds) for group in groups)
    assert windows.forgotten > 0
    assert any(facts[-1] in window for group in groups for _key, _number, window in group)
