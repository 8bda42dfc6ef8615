"""The parts of an installation that can be looked at, each by a function that says how it is.

Another app adds a part in one line: the decorator ``health_check`` on a function that takes the time.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum


class CheckStatus(StrEnum):
    """How a part is. With ``unused`` the installation has no such part."""

    OK = "ok"
    WARNING = "warning"
    FAILED = "failed"
    UNUSED = "unused"


@dataclass(frozen=True, slots=True)
class Finding:
    """What a check found. ``detail`` is a sentence for operators, without secrets, addresses and names of people."""

    status: CheckStatus
    detail: str = ""


OK = Finding(CheckStatus.OK)
Check = Callable[[datetime], Finding]
CHECKS: dict[str, Check] = {}


def health_check(name: str) -> Callable[[Check], Check]:
    """Register the check of a part. It takes a second at most, and raises whatever the part raises."""

    def register(check: Check) -> Check:
        CHECKS[name] = check
        return check

    return register


def warning(detail: str) -> Finding:
    """Return the finding of a part that works, but not as it should."""
    return Finding(CheckStatus.WARNING, detail)


def failed(detail: str) -> Finding:
    """Return the finding of a part that does not work."""
    return Finding(CheckStatus.FAILED, detail)


def unused(detail: str = "") -> Finding:
    """Return the finding of a part that the installation does not have."""
    return Finding(CheckStatus.UNUSED, detail)
