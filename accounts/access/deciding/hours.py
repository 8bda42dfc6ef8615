"""Hours of a week in a time zone, in which a rule is in force."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, time, timedelta
from functools import lru_cache
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from django.utils.translation import gettext as _

from accounts.access.errors import RuleInvalid

WEEKDAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
_MEMBERS = frozenset({"weekdays", "from", "until", "time_zone"})
_DAY = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Hours:
    """From ``begin`` to ``end`` on some weekdays by the clocks of a time zone; ``end`` is no part of it.

    If ``end`` is not later than ``begin``, it is that of the next day, and the hours after midnight belong to the
    weekday on which they began. Clocks that are set forward or back do so here, too: what they leave out or repeat is
    left out or repeated.
    """

    weekdays: frozenset[int]
    begin: time
    end: time
    zone: ZoneInfo

    def contain(self, at: datetime) -> bool:
        """Return whether an instant lies in these hours."""
        local = at.astimezone(self.zone)
        clock, weekday = local.time(), local.weekday()
        if self.begin < self.end:
            return weekday in self.weekdays and self.begin <= clock < self.end
        if clock >= self.begin:
            return weekday in self.weekdays
        return clock < self.end and (weekday - 1) % 7 in self.weekdays


def parse_hours(members: Mapping[str, Any]) -> Hours:
    """Return hours, given ``weekdays``, ``from``, ``until`` and ``time_zone``, all of them.

    Raises: RuleInvalid.
    """
    if set(members) != _MEMBERS:
        raise RuleInvalid("hours", _("Hours have weekdays, from, until and time_zone."))
    weekdays = members["weekdays"]
    if not isinstance(weekdays, list) or not weekdays or not all(day in WEEKDAYS for day in weekdays):
        raise RuleInvalid("hours", _("Weekdays are a list of mon, tue, wed, thu, fri, sat and sun."))
    return Hours(
        weekdays=frozenset(map(WEEKDAYS.index, weekdays)),
        begin=_clock(members["from"]),
        end=_clock(members["until"]),
        zone=_zone(members["time_zone"]),
    )


def _clock(text: Any) -> time:
    digits = text.split(":") if isinstance(text, str) else ()
    if len(digits) == 2 and all(part.isascii() and part.isdecimal() and len(part) == 2 for part in digits):
        hour, minute = map(int, digits)
        if hour < 24 and minute < 60:
            return time(hour, minute)
    raise RuleInvalid("hours", _("from and until are times such as 09:00, from 00:00 to 23:59."))


def _zone(name: Any) -> ZoneInfo:
    try:
        return _known_zone(name)
    except (ZoneInfoNotFoundError, ValueError, TypeError, OSError) as error:
        raise RuleInvalid("hours", _("time_zone is a name of the IANA database, such as Europe/Madrid.")) from error


@lru_cache(maxsize=600)
def _known_zone(name: str) -> ZoneInfo:
    if not isinstance(name, str) or not name.isascii() or name.startswith("/"):
        raise ValueError("no name of a zone")
    return ZoneInfo(name)
