"""Which settings a backtest compares."""

import pytest

from security_events.detection import rules
from security_events.detection.backtest.trials import TrialInvalid, TrialSettings, trials_of
from security_events.detection.rules import RULES
from security_events.types import RuleMode


def trials(*changes, only=()):
    rules.load()
    return {
        trial.rule.id: trial
        for trial in trials_of(
            RULES,
            in_force=lambda rule: TrialSettings(rule.mode, rule.thresholds),
            changes=changes,
            only=only,
        )
    }


def test_several_changes_of_a_rule_add_up_and_the_others_stay():
    found = trials("brute_force.failures=8", "brute_force.seconds=60", "enumeration.mode=off")

    assert dict(found["brute_force"].after.thresholds) == {"failures": 8, "seconds": 60}
    assert dict(found["brute_force"].before.thresholds) == {"failures": 5, "seconds": 300}
    assert found["enumeration"].after.mode is RuleMode.OFF
    assert [rule for rule, trial in found.items() if trial.is_changed] == ["brute_force", "enumeration"]
    assert found.keys() == RULES.keys()


def test_one_rule_is_replayed_alone():
    assert trials("brute_force.failures=8", only=["brute_force"]).keys() == {"brute_force"}


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ("", "form"),
        ("brute_force", "form"),
        ("brute_force.failures", "form"),
        ("brute_force.failures=", "form"),
        ("=5", "form"),
        (".failures=5", "form"),
        ("nothing.failures=5", "rule"),
        ("brute_force.tries=5", "name"),
        ("brute_force.failures=0", "value"),
        ("brute_force.failures=-1", "value"),
        ("brute_force.failures=1e3", "value"),
        ("brute_force.failures=٥", "value"),
        ("brute_force.failures=" + "9" * 5000, "value"),
        ("brute_force.failures=1000000001", "value"),
        ("brute_force.mode=loud", "value"),
    ],
)
def test_what_can_not_be_tried_is_said(change, code):
    with pytest.raises(TrialInvalid) as caught:
        trials(change)
    assert caught.value.code == code


def test_a_change_to_a_rule_that_is_not_replayed_would_do_nothing():
    with pytest.raises(TrialInvalid):
        trials("enumeration.names=3", only=["brute_force"])
    with pytest.raises(TrialInvalid):
        trials(only=["nothing"])
