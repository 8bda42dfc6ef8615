"""How many wrong second factors are looked at, and from whom.

A try is counted before it is looked at, by one statement, so that a hundred simultaneous ones get no further than a
hundred in a row. Whoever gets here has shown a first factor, but a stranger may know somebody's password. So each
session, each known device and each network has a count of its own, and a stranger stops neither the owner's devices
nor other networks. Codes of authenticator applications have so few digits that all strangers together are counted too.
Recovery codes (12 digits) and signatures can't be guessed: they are counted by network alone, so that the owner can
always use one from elsewhere.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from accounts import known_devices
from accounts.conf import account_settings
from accounts.errors import AttemptsExhausted
from accounts.models import SignInFailures
from accounts.models.passwords import AttemptCharge, AttemptCounter, AttemptPool
from accounts.types import Factor


@dataclass(frozen=True, slots=True)
class Claimant:
    """By whom a factor is shown: in a session, else on a known device, else by a stranger in a network."""

    session_id: UUID | None = None
    device: bytes | None = None
    network: str = ""

    @property
    def is_stranger(self) -> bool:
        return self.session_id is None and self.device is None


@dataclass(frozen=True, slots=True)
class Attempt:
    """A try that may be looked at, and what was charged for it."""

    factor: str
    claimant: Claimant
    charged: AttemptCharge

    @property
    def locked_until(self) -> datetime | None:
        """Until when the next try has to wait, if this one fails and is the last one before that."""
        waits = [lock["wait"] for lock in self.charged.locks]
        return self.charged.at + timedelta(seconds=max(waits)) if waits else None


def claim(*, user_id: UUID, factor: str, claimant: Claimant, now: datetime | None = None) -> Attempt:
    """Count a try as a failure before it is looked at; ``forgive`` takes that back.

    Call it outside of a transaction that may be rolled back.

    Raises: AttemptsExhausted.
    """
    counters = _counters(str(user_id), factor, claimant)
    charged = SignInFailures.objects.charge(counters, subject=str(user_id), now=now)
    if charged.wait is not None:
        raise AttemptsExhausted(retry_after=charged.wait)
    return Attempt(factor, claimant, charged)


def forgive(*, attempt: Attempt) -> None:
    """Give back what was charged, because the answer was right."""
    SignInFailures.objects.refund(keys=attempt.charged.keys, at=attempt.charged.at)


def _counters(user_id: str, factor: str, claimant: Claimant) -> list[AttemptCounter]:
    def counter(pool: AttemptPool, *of: str) -> AttemptCounter:
        return AttemptCounter(
            known_devices.digest(pool, user_id, factor, *of), pool, account_settings.SIGN_IN_BACKOFF[pool]
        )

    if claimant.session_id is not None:
        return [counter(AttemptPool.FACTOR_SESSION, str(claimant.session_id))]
    if claimant.device is not None:
        return [counter(AttemptPool.FACTOR_DEVICE, claimant.device.hex())]
    counters = [counter(AttemptPool.FACTOR_NETWORK, claimant.network)]
    return [*counters, counter(AttemptPool.FACTOR)] if factor == Factor.TOTP else counters
