"""A rule: who may, or may not, do what to which objects, and when."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

from accounts.access.deciding.hours import Hours


class Effect(StrEnum):
    """What a rule that matches says. One that denies wins over all that allow."""

    ALLOW = "allow"
    DENY = "deny"


ANY_ACTION = "*"


@dataclass(frozen=True, slots=True)
class Rule:
    """A rule as it is stored, with its hours parsed.

    ``subject`` is ``user:<id>``, ``client:<id>`` or ``role:<name>``: the prefixes keep an account that is called like a
    role from being it. ``object`` is a pattern of ``paths``, ``action`` a word or ``*``. ``department`` and
    ``location`` are those that the subject must have, empty for any. All ``conditions`` must hold. ``valid_from`` is
    part of the time in which the rule is in force, ``valid_until`` is not.
    """

    id: str
    subject: str
    object: str
    action: str
    effect: Effect
    department: str = ""
    location: str = ""
    hours: Hours | None = None
    conditions: Sequence[Mapping[str, Any]] = ()
    valid_from: datetime | None = None
    valid_until: datetime | None = None
