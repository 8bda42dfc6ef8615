"""Count attempts to sign in by their outcome, whatever was shown."""

from collections.abc import Callable
from functools import wraps
from typing import ParamSpec, TypeVar

from accounts import measures
from accounts.errors import (
    AccountDisabled,
    AttemptsExhausted,
    CredentialsInvalid,
    EmailNotConfirmed,
    HashingBusy,
    MfaCodeInvalid,
    PasskeyRefused,
    PasswordResetRequired,
    ProviderAddressUnverified,
    SignInChallengeInvalid,
    SocialTokenInvalid,
)
from accounts.services.factors.sign_in_challenges import MfaChallenge
from tokens.errors import SessionLimitReached

P = ParamSpec("P")
R = TypeVar("R")
_OUTCOMES: dict[type[Exception], str] = {
    AttemptsExhausted: measures.LOCKED,
    HashingBusy: measures.BUSY,
    AccountDisabled: measures.BLOCKED,
    EmailNotConfirmed: measures.BLOCKED,
    PasswordResetRequired: measures.BLOCKED,
    SessionLimitReached: measures.BLOCKED,
    ProviderAddressUnverified: measures.BLOCKED,
    CredentialsInvalid: measures.REFUSED,
    MfaCodeInvalid: measures.REFUSED,
    PasskeyRefused: measures.REFUSED,
    SignInChallengeInvalid: measures.REFUSED,
    SocialTokenInvalid: measures.REFUSED,
}


def counted(factor: str, *, is_first_step: bool = False) -> Callable[[Callable[P, R]], Callable[P, R]]:
    """Decorate a service that signs people in: count what it returns, or the refusal that it raises.

    ``None`` is a refusal. What a service returns that ``is_first_step`` is not counted: the next step is. Faults are no
    outcome of a sign-in: they are counted as responses of 5xx.
    """

    def decorate(sign_in: Callable[P, R]) -> Callable[P, R]:
        @wraps(sign_in)
        def counting(*arguments: P.args, **options: P.kwargs) -> R:
            try:
                result = sign_in(*arguments, **options)
            except tuple(_OUTCOMES) as refusal:
                outcome = next(each for kind, each in _OUTCOMES.items() if isinstance(refusal, kind))
                measures.SIGN_INS.count(outcome, factor)
                raise
            if result is None:
                measures.SIGN_INS.count(measures.REFUSED, factor)
            elif isinstance(result, MfaChallenge):
                measures.SIGN_INS.count(measures.CHALLENGED, factor)
            elif not is_first_step:
                measures.SIGN_INS.count(measures.SUCCEEDED, factor)
            return result

        return counting

    return decorate
