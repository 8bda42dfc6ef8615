"""Hours of a week by the clocks of a place."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from accounts.access.deciding.hours import WEEKDAYS, parse_hours
from accounts.access.errors import RuleInvalid

OFFICE = {
    "weekdays": ["mon", "tue", "wed", "thu", "fri"],
    "from": "09:00",
    "until": "17:00",
    "time_zone": "Europe/Madrid",
}
NIGHT = {"weekdays": ["fri"], "from": "22:00", "until": "06:00", "time_zone": "Asia/Tehran"}


def local(text, zone):
    return datetime.fromisoformat(text).replace(tzinfo=ZoneInfo(zone)).astimezone(UTC)


class TestHours:
    @pytest.mark.parametrize(
        ("text", "expected"),
        [
            ("2026-03-02 09:00", True),  # a Monday
            ("2026-03-02 16:59:59.999999", True),
            ("2026-03-02 17:00", False),
            ("2026-03-02 08:59:59.999999", False),
            ("2026-03-07 12:00", False),
            ("2026-07-06 09:00", True),  # in summer time
            ("2026-07-06 08:59", False),
        ],
    )
    def test_of_an_office_begin_and_end_by_its_clocks(self, text, expected):
        assert parse_hours(OFFICE).contain(local(text, "Europe/Madrid")) is expected

    @pytest.mark.parametrize(
        ("text", "expected"),
        [
            ("2026-03-06 21:59", False),  # a Friday
            ("2026-03-06 22:00", True),
            ("2026-03-07 05:59", True),
            ("2026-03-07 06:00", False),
            ("2026-03-07 22:00", False),
            ("2026-03-06 05:00", False),
        ],
    )
    def test_over_midnight_belong_to_the_day_on_which_they_began(self, text, expected):
        assert parse_hours(NIGHT).contain(local(text, "Asia/Tehran")) is expected

    def test_that_begin_and_end_at_the_same_time_are_a_whole_day(self):
        hours = parse_hours({**OFFICE, "weekdays": ["mon"], "from": "08:00", "until": "08:00"})
        assert hours.contain(local("2026-03-02 08:00", "Europe/Madrid"))
        assert hours.contain(local("2026-03-03 07:59", "Europe/Madrid"))
        assert not hours.contain(local("2026-03-03 08:00", "Europe/Madrid"))

    @given(
        st.sets(st.sampled_from(WEEKDAYS), min_size=1),
        st.integers(0, 1439),
        st.integers(0, 1439),
        st.sampled_from(("UTC", "Asia/Kathmandu", "America/St_Johns")),
        st.integers(0, 60 * 24 * 365),
    )
    def test_contain_an_instant_if_they_began_before_it_and_did_not_end(self, weekdays, begin, end, zone, minutes):
        """Written down a second time: as the minutes since each beginning of the last two days."""
        hours = parse_hours(
            {"weekdays": sorted(weekdays), "from": clock(begin), "until": clock(end), "time_zone": zone}
        )
        at = datetime(2026, 1, 1, tzinfo=UTC) + timedelta(minutes=minutes)
        wall = at.astimezone(ZoneInfo(zone)).replace(tzinfo=None)
        length = timedelta(minutes=(end - begin) % 1440 or 1440)
        starts = [
            datetime.combine(wall.date() - timedelta(days=back), datetime.min.time()) + timedelta(minutes=begin)
            for back in (0, 1)
        ]
        expected = any(start <= wall < start + length and WEEKDAYS[start.weekday()] in weekdays for start in starts)
        assert hours.contain(at) is expected

    @pytest.mark.parametrize(
        "changes",
        [
            {"weekdays": []},
            {"weekdays": ["monday"]},
            {"weekdays": "mon"},
            {"weekdays": [["mon"]]},
            {"from": "9:00"},
            {"from": "24:00"},
            {"from": "09:60"},
            {"from": "٠٩:٠٠"},
            {"until": 17},
            {"until": None},
            {"time_zone": "Europe/Nowhere"},
            {"time_zone": "../../etc/passwd"},
            {"time_zone": "/etc/localtime"},
            {"time_zone": ""},
            {"time_zone": 1},
            {"time_zone": ["UTC"]},
            {"holidays": True},
        ],
    )
    def test_of_another_form_are_refused(self, changes):
        with pytest.raises(RuleInvalid) as caught:
            parse_hours({**OFFICE, **changes})
        assert caught.value.member == "hours"

    def test_without_a_member_are_refused(self):
        with pytest.raises(RuleInvalid):
            parse_hours({name: value for name, value in OFFICE.items() if name != "time_zone"})


def clock(minutes):
    return f"{minutes // 60:02}:{minutes % 60:02}"
