"""What tests of detection share."""

import pytest

from security_events.detection import rules
from security_events.detection.judges import repeated
from security_events.detection.rules import RULES, GroupBy, Rule
from security_events.services.detection import rule_settings
from security_events.types import ResponseKind, Severity
from tests.factories import detection

FAILED = frozenset({"authentication.login_failed"})


@pytest.fixture
def begun(db):
    """Let detection begin at the start of the trail."""
    detection.start_at()
    yield
    rule_settings.forget()


@pytest.fixture
def rule(monkeypatch, begun):
    """A rule of the test alone: five failures of an account within a minute."""
    made = Rule(
        "a_test",
        title="-",
        reason="-",
        false_alarms="-",
        severity=Severity.HIGH,
        score=73,
        group_by=GroupBy.ACCOUNT,
        window=60,
        watches=FAILED,
        triggers=FAILED,
        judge=repeated,
        thresholds={"events": 5},
        responses=(ResponseKind.NOTIFY, ResponseKind.STEP_UP, ResponseKind.TIGHTEN_NETWORK),
    )
    for name in reversed(list(RULES)):  # they come back in the opposite order, which is theirs
        monkeypatch.delitem(rules._registered, name)
    monkeypatch.setitem(rules._registered, made.id, made)
    return made
