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

RECENT_SECONDS = 300  # seconds within which a re-authentication satisfies the sensitive calls of the contract


class RequiredFactor(StrEnum):
    """By which means somebody has to have proved who they are."""

    ANY = "any"
    # The second factor, for people who have one; for everybody else the same as ANY.
    SECOND = "second"


@dataclass(frozen=True, slots=True)
class AuthenticationRequirement:
    """How fresh an authentication has to be, in seconds, and by which factor; ``None`` where any token will do."""

    max_age: int | None
    factor: RequiredFactor = RequiredFactor.ANY
    reason: str = ""
    # Whether the request itself proves the first factor, so that only the second one has to be fresh.
    has_first_factor: bool = False


def requires(
    *, max_age: int = RECENT_SECONDS, factor: RequiredFactor = RequiredFactor.ANY
) -> AuthenticationRequirement:
    """Demand an authentication that is ``max_age`` seconds old at most."""
    return AuthenticationRequirement(max_age=max_age, factor=factor)


def no_step_up(reason: str) -> AuthenticationRequirement:
    """Declare that any living session may make this call, and why that is so."""
    return AuthenticationRequirement(max_age=None, reason=reason)


def requires_second_factor(reason: str, *, max_age: int = RECENT_SECONDS) -> AuthenticationRequirement:
    """Demand a fresh second factor of people who have one, where the request carries the first; say how it does."""
    return AuthenticationRequirement(
        max_age=max_age, factor=RequiredFactor.SECOND, reason=reason, has_first_factor=True
    )


def check_requirement(need: AuthenticationRequirement, *, principal: Principal, user: Any, now: datetime) -> None:
    """Let a call pass whose authentication is fresh enough.

    Raises: ReauthenticationRequired, StepUpRequired.
    """
    if need.max_age is None:
        return
    since = now - timedelta(seconds=need.max_age)
    if need.factor is RequiredFactor.SECOND and getattr(user, "is_mfa_enabled", False):
        if principal.second_factor_at is None or principal.second_factor_at < since:
            raise StepUpRequired(max_age=need.max_age)
    elif not need.has_first_factor and principal.authenticated_at < since:
        raise ReauthenticationRequired(max_age=need.max_age)
