"""Modes and thresholds of rules, and their changes."""

import pytest
from django.utils import timezone

from security_events.detection import rules
from security_events.detection.errors import RuleNotFound, ThresholdInvalid
from security_events.models import RuleVersion, SecurityEvent
from security_events.services.detection import rule_settings
from security_events.types import RuleMode, Subject

NOW = timezone.now()
OPERATOR = Subject("op", "olga")


@pytest.fixture(autouse=True)
def _forgotten():
    rules.load()
    yield
    rule_settings.forget()


@pytest.mark.django_db
class TestChange:
    def change(self, **changes):
        return rule_settings.change(
            **{"rule_id": "brute_force", "reason": "too loud", "actor": OPERATOR, "now": NOW, **changes}
        )

    def test_reaches_who_refreshes(self):
        rule = rules.RULES["brute_force"]
        assert rule_settings.of(rule).version == 0
        after = self.change(mode=RuleMode.SHADOW, thresholds={"failures": 9})
        rule_settings.refresh()
        assert rule_settings.of(rule) == after
        assert after.thresholds == {**rule.thresholds, "failures": 9}
        assert rule_settings.of(rules.RULES["mfa_guessing"]).mode is RuleMode.ENFORCE

    def test_keeps_what_is_left_out(self):
        self.change(thresholds={"failures": 9})
        after = self.change(mode=RuleMode.OFF)
        assert (after.mode, after.thresholds["failures"]) == (RuleMode.OFF, 9)

    def test_is_a_version_with_author_and_reason(self):
        self.change(mode=RuleMode.OFF)
        row = RuleVersion.objects.get()
        assert (row.author_id, row.reason, row.mode) == ("op", "too loud", "off")
        event = SecurityEvent.objects.get(type="detection.rule_changed")
        assert event.data["before"]["mode"] == "enforce"
        assert event.data["after"]["mode"] == "off"

    @pytest.mark.parametrize("thresholds", [{"unknown": 5}, {"failures": 0}, {"failures": 10**12}])
    def test_refuses_thresholds_that_can_not_be(self, thresholds):
        with pytest.raises(ThresholdInvalid):
            self.change(thresholds=thresholds)
        assert not RuleVersion.objects.exists()

    def test_refuses_an_unknown_rule(self):
        with pytest.raises(RuleNotFound):
            self.change(rule_id="unknown")
