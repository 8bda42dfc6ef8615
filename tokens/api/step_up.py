"""What a call demands of the authentication behind its token (RFC 9470).

A view says it for each of its methods: ``step_up = {"post": needs(max_age=300), "put": no_need("why")}``. A start-up
check finds calls that change something and say nothing.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any

from tokens.errors import ReauthenticationRequired, StepUpRequired
from tokens.types import Principal

RECENT = 300  # seconds within which a re-authentication satisfies the sensitive calls of the contract


class Factor(StrEnum):
    """By which means somebody has to have proved who they are."""

    ANY = "any"
    # The second factor, for people who have one; for everybody else the same as ANY.
    SECOND = "second"


@dataclass(frozen=True, slots=True)
class Need:
    """How fresh an authentication has to be, in seconds, and by which factor; ``None`` where any token will do."""

    max_age: int | None
    factor: Factor = Factor.ANY
    reason: str = ""
    is_for_enrolled: bool = False


def needs(*, max_age: int = RECENT, factor: Factor = Factor.ANY) -> Need:
    """Demand an authentication that is ``max_age`` seconds old at most."""
    return Need(max_age=max_age, factor=factor)


def needs_second_factor(*, max_age: int = RECENT) -> Need:
    """Demand the second factor of people who have one, and nothing of others.

    For calls whose body carries the password, which proves no more than the first factor.
    """
    return Need(max_age=max_age, factor=Factor.SECOND, is_for_enrolled=True)


def no_need(reason: str) -> Need:
    """Declare that any living session may make this call, and why that is so."""
    return Need(max_age=None, reason=reason)


def require(need: Need, *, principal: Principal, user: Any, now: datetime) -> None:
    """Let a call pass whose authentication is fresh enough.

    Raises: ReauthenticationRequired, StepUpRequired.
    """
    if need.max_age is None:
        return
    since = now - timedelta(seconds=need.max_age)
    if need.factor is Factor.SECOND and getattr(user, "is_mfa_enabled", False):
        if principal.second_factor_at is None or principal.second_factor_at < since:
            raise StepUpRequired(max_age=need.max_age)
    elif not need.is_for_enrolled and principal.authenticated_at < since:
        raise ReauthenticationRequired(max_age=need.max_age)
