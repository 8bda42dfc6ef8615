"""What an endpoint requires of the authentication behind its token (RFC 9470).

A view declares it for each method: ``step_up = {"post": requires(max_age=300), "put": no_step_up("why")}``. A start-up
check finds methods that change something and declare nothing.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any

from tokens.conf import token_settings
from tokens.errors import ProofRequired, ReauthenticationRequired, StepUpRequired
from tokens.types import AdminPrincipal, Principal

RECENT_SECONDS = 300  # for this long a re-authentication satisfies the API's sensitive endpoints


class RequiredFactor(StrEnum):
    """The authentication factor that an endpoint requires."""

    ANY = "any"
    # The second factor, if the user has one; otherwise the same as ANY.
    SECOND = "second"


@dataclass(frozen=True, slots=True)
class AuthenticationRequirement:
    """The maximum age of an authentication in seconds (``None`` for any), and its factor."""

    max_age: int | None
    factor: RequiredFactor = RequiredFactor.ANY
    reason: str = ""
    # Whether the request itself contains the first factor, so that only the second must be recent.
    has_first_factor: bool = False
    # Whether service clients pass by their scope: they have no factor to show again.
    is_for_people: bool = False

    @property
    def refuses_clients(self) -> bool:
        """Whether service clients, which can't meet it, are refused."""
        return self.max_age is not None and not self.is_for_people


def requires(
    *, max_age: int = RECENT_SECONDS, factor: RequiredFactor = RequiredFactor.ANY, is_for_people: bool = False
) -> AuthenticationRequirement:
    """Require an authentication that is at most ``max_age`` seconds old; with ``is_for_people`` of people only."""
    return AuthenticationRequirement(max_age=max_age, factor=factor, is_for_people=is_for_people)


def no_step_up(reason: str) -> AuthenticationRequirement:
    """Allow every live session, for the given reason."""
    return AuthenticationRequirement(max_age=None, reason=reason)


def requires_second_factor(reason: str, *, max_age: int = RECENT_SECONDS) -> AuthenticationRequirement:
    """Require a recent second factor of users who have one. ``reason`` says how the request contains the first."""
    return AuthenticationRequirement(
        max_age=max_age, factor=RequiredFactor.SECOND, reason=reason, has_first_factor=True
    )


def check_requirement(
    requirement: AuthenticationRequirement, *, principal: Principal | AdminPrincipal, user: Any, now: datetime
) -> None:
    """Check that a session's authentication meets a requirement.

    Raises: ReauthenticationRequired, StepUpRequired, ProofRequired.
    """
    if requirement.max_age is None:
        return
    check_no_proof_is_due(principal, now=now)
    since = now - timedelta(seconds=requirement.max_age)
    if requirement.factor is RequiredFactor.SECOND and token_settings.HAS_SECOND_FACTOR(user):
        if principal.second_factor_at is None or principal.second_factor_at < since:
            raise StepUpRequired(max_age=requirement.max_age)
    elif not requirement.has_first_factor and principal.authenticated_at < since:
        raise ReauthenticationRequired(max_age=requirement.max_age)


def check_no_proof_is_due(principal: Principal | AdminPrincipal, *, now: datetime) -> None:
    """Check that no finding asks the person behind a session for a proof (``StepUpOrder``).

    It is asked for at every endpoint with a requirement, whatever the age of the last authentication: an attacker with
    the password is freshly authenticated.

    Raises: ProofRequired.
    """
    if is_proof_due(principal, now=now):
        raise ProofRequired(max_age=RECENT_SECONDS)


def is_proof_due(principal: Principal | AdminPrincipal, *, now: datetime) -> bool:
    """Return whether a finding asks the person behind a session for a proof."""
    return principal.step_up_until is not None and principal.step_up_until > now
