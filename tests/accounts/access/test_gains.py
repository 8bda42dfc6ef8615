"""What somebody may do after a change of the policy and not before."""

from dataclasses import replace
from datetime import timedelta

import pytest

from accounts.access.deciding.gains import gaining_rules
from accounts.access.deciding.hours import parse_hours
from accounts.access.deciding.rules import Effect, Rule

READ = Rule("read", "role:clerk", "documents/*", "read", Effect.ALLOW)
HOURS = parse_hours({"weekdays": ["mon"], "from": "09:00", "until": "17:00", "time_zone": "UTC"})


def gained(before, after, now):
    return [rule.id for rule in gaining_rules(before, after, at=now)]


@pytest.mark.parametrize(
    "other",
    [
        replace(READ, id="more", action="delete"),
        replace(READ, id="more", action="*"),
        replace(READ, id="more", object="documents/**"),
        replace(READ, id="more", object="*/*"),
        replace(READ, id="more", object="**"),
        replace(READ, id="more", object="letters/*", department="sales"),
    ],
    ids=lambda rule: f"{rule.action} {rule.object}",
)
def test_a_rule_about_more_is_a_gain_and_no_loss(other, now):
    assert gained([READ], [READ, other], now) == ["more"]
    assert gained([READ, other], [READ], now) == []


@pytest.mark.parametrize(
    "change",
    [
        {"department": "sales"},
        {"location": "Oslo"},
        {"hours": HOURS},
        {"conditions": ({"attribute": "resource.owner"},)},
        {"valid_from": True},
        {"valid_until": True},
        {"object": "documents/7"},
    ],
    ids=lambda change: next(iter(change)),
)
def test_a_condition_that_is_taken_away_is_a_gain_and_one_that_is_added_is_not(change, now):
    change = {name: now + timedelta(days=1) if value is True else value for name, value in change.items()}
    narrow = replace(READ, **change)

    assert gained([narrow], [READ], now) == ["read"]
    assert gained([READ], [narrow], now) == []
    assert gained([READ], [READ, replace(narrow, id="same")], now) == []
    assert gained([narrow], [narrow], now) == []


def test_a_rule_that_lasts_longer_is_a_gain(now):
    first, second = (replace(READ, valid_until=now + timedelta(days=days)) for days in (1, 2))

    assert gained([first], [second], now) == ["read"]
    assert gained([second], [first], now) == []


def test_a_rule_that_has_ended_is_none(now):
    assert gained([], [replace(READ, valid_until=now)], now) == []
    assert gained([replace(READ, valid_until=now)], [READ], now) == ["read"]


class TestDenials:
    DENIED = replace(READ, id="no", effect=Effect.DENY)

    def test_that_are_lifted_are_a_gain_where_something_is_allowed(self, now):
        assert gained([READ, self.DENIED], [READ], now) == ["read"]
        assert gained([READ, self.DENIED], [READ, replace(self.DENIED, hours=HOURS)], now) == ["read"]
        assert gained([READ, self.DENIED], [READ, replace(self.DENIED, id="other", object="**")], now) == []
        assert gained([self.DENIED], [], now) == []

    @pytest.mark.parametrize("other", [{"action": "delete"}, {"object": "letters/*"}])
    def test_of_something_else_are_no_gain(self, other, now):
        assert gained([READ, replace(self.DENIED, **other)], [READ], now) == []

    def test_of_all_that_a_rule_allows_leave_no_gain(self, now):
        assert gained([self.DENIED], [self.DENIED, READ], now) == []
        assert gained([self.DENIED], [self.DENIED, replace(READ, object="documents/**")], now) == ["read"]
