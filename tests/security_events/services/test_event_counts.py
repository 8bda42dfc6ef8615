"""Counts of events by the minute, whatever stands in the data of an event."""

from datetime import UTC, datetime, timedelta

import pytest

from security_events.models import EventCount
from security_events.selectors import event_counts as selectors
from security_events.selectors.trail import START, TrailEvent
from security_events.services.detection import event_counts

pytestmark = pytest.mark.django_db
NOW = datetime(2026, 1, 5, 10, 30, 45, tzinfo=UTC)
MINUTE = NOW.replace(second=0)


def event(event_type="authentication.login_failed", *, at=NOW, risk_score=20, **data):
    form = {"type": event_type, "occurred_at": at.isoformat(), "risk_score": risk_score, "data": data}
    return TrailEvent(START, form)


def counted(*events):
    event_counts.count(events, now=NOW)
    return {(row.series, row.key, row.minute): row.number for row in EventCount.objects.all()}


class TestCount:
    def test_adds_to_what_was_counted_before(self):
        key = ("type", "authentication.login_failed", MINUTE)
        assert counted(event(), event())[key] == 2
        assert counted(event())[key] == 3

    def test_counts_refusals_by_their_policy_and_sign_ins_by_their_risk(self):
        found = counted(
            event("ratelimit.refused", policy="sign-in", refusals=41),
            event("authentication.login_succeeded", risk_score=47, risk={"score": 47}),
            event("authentication.login_succeeded", risk_score=100, risk={"score": 100}),
        )
        assert found["policy", "sign-in", MINUTE] == 41
        assert {key: number for (series, key, _), number in found.items() if series == "risk"} == {"40": 1, "90": 1}

    def test_counts_repeats_in_the_minute_in_which_they_happened(self):
        since = NOW - timedelta(minutes=7)
        found = counted(event(repeats=99, since=since.isoformat()))
        assert found == {("type", "authentication.login_failed", since.replace(second=0)): 99}

    @pytest.mark.attack("CWE-20")
    @pytest.mark.parametrize(
        "data",
        [
            {"repeats": 10**30, "since": "yesterday"},
            {"repeats": -5, "since": 7},
            {"repeats": "many", "since": "2026-01-05T10:00:00"},
            {"repeats": None, "since": "0001-01-01T00:00:00+14:00"},
        ],
    )
    def test_takes_any_data(self, data):
        numbers = list(counted(event(**data)).values())
        assert all(1 <= number < 2**31 for number in numbers)

    @pytest.mark.attack("CWE-770")
    def test_has_no_key_that_is_long_and_none_of_a_policy_without_a_name(self):
        found = counted(
            event("ratelimit.refused", policy="p" * 500, refusals=1), event("ratelimit.refused", policy=["x"])
        )
        assert {key for series, key, _ in found if series == "policy"} == {"p" * 64}

    def test_leaves_out_what_is_old(self):
        assert counted(event(at=NOW - timedelta(hours=26))) == {}


class TestPurge:
    def test_deletes_what_is_older_than_a_day(self):
        counted(event(), event(at=NOW - timedelta(hours=24)))
        assert event_counts.purge(now=NOW + timedelta(hours=2)) == 1
        assert event_counts.purge(now=NOW + timedelta(hours=2)) == 0


class TestCountsBetween:
    def test_gives_whole_minutes(self):
        counted(event(), event(at=NOW - timedelta(minutes=1)), event(at=NOW - timedelta(minutes=2)))
        found = selectors.counts_between(since=MINUTE - timedelta(minutes=1), until=MINUTE)
        assert [(count.minute, count.number) for count in found] == [(MINUTE - timedelta(minutes=1), 1)]
