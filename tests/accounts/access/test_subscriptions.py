"""When decisions that somebody subscribed to are made again, at the latest."""

from datetime import UTC, datetime, timedelta

import pytest

from accounts.access.deciding.boundaries import next_boundary
from accounts.access.deciding.hours import parse_hours
from accounts.access.deciding.rules import Effect, Rule
from accounts.access.services.subscriptions import LONGEST_PAUSE, decide_all
from accounts.access.types import Question
from tests.factories.accounts import UserFactory, give

MONDAY = datetime(2026, 3, 2, 8, 59, 50, tzinfo=UTC)
ASKED = {"one": Question("documents/1", "read"), "two": Question("secrets/1", "read")}


def with_hours(**members):
    hours = {"weekdays": ["mon"], "from": "09:00", "until": "17:00", "time_zone": "UTC", **members}
    return Rule("1", "user:1", "**", "*", Effect.ALLOW, hours=parse_hours(hours))


class TestBoundaries:
    def test_are_those_of_hours_and_of_validity(self):
        assert next_boundary([with_hours()], MONDAY) == MONDAY + timedelta(seconds=10)
        assert next_boundary([with_hours()], MONDAY + timedelta(minutes=1)) == MONDAY.replace(
            hour=17, minute=0, second=0
        )
        later = MONDAY + timedelta(days=400)
        rule = Rule("1", "user:1", "**", "*", Effect.ALLOW, valid_from=MONDAY, valid_until=later)
        assert next_boundary([rule], MONDAY - timedelta(days=1)) == MONDAY
        assert next_boundary([rule], MONDAY) == later
        assert next_boundary([rule], later) is None
        assert next_boundary([], MONDAY) is None

    @pytest.mark.parametrize(
        ("zone", "at"),
        [
            ("Europe/Madrid", datetime(2026, 3, 28, 12, tzinfo=UTC)),  # clocks go forward at 01:00 UTC
            ("Europe/Madrid", datetime(2026, 10, 24, 12, tzinfo=UTC)),  # and back
            ("Australia/Lord_Howe", datetime(2026, 4, 4, 6, tzinfo=UTC)),  # by half an hour
            ("Asia/Tehran", datetime(2026, 3, 20, 6, tzinfo=UTC)),
        ],
    )
    def test_come_before_each_change_of_an_answer(self, zone, at):
        """No answer changes between an instant and the boundary that follows it, also where clocks are set."""
        days = ["sat", "sun", "mon"]
        rule = with_hours(weekdays=days, time_zone=zone, **{"from": "02:15", "until": "02:45"})
        end, was = at + timedelta(days=2), rule.hours.contain(at)
        boundary, changes = next_boundary([rule], at), 0
        while at < end:
            at += timedelta(minutes=5)
            if at >= boundary:
                boundary = next_boundary([rule], at)
                was, before = rule.hours.contain(at), was
                changes += was is not before
            assert rule.hours.contain(at) is was
        assert changes >= 2


@pytest.mark.django_db
class TestDecideAll:
    def test_says_when_to_decide_again(self, policy, now):
        user = UserFactory()
        subject = f"user:{user.pk}"
        policy.allow(subject, "documents/*")
        found = decide_all(subject, ASKED, at=now)
        assert (found.allowed, found.again_at) == ({"one": True, "two": False}, now + LONGEST_PAUSE)
        policy.allow(subject, "secrets/*", valid_from=(now + timedelta(seconds=7)).isoformat())
        assert decide_all(subject, ASKED, at=now).again_at == now + timedelta(seconds=7)
        policy.add(roles=["night"])
        give(user, "night", until=now + timedelta(seconds=5))
        assert decide_all(subject, ASKED, at=now).again_at == now + timedelta(seconds=5)

    def test_says_no_to_nobody(self, policy, now):
        assert decide_all("user:nobody", ASKED, at=now).allowed == {"one": False, "two": False}
