"""Limit how many wrong second factors are accepted for checking, by where they come from.

An attempt is charged before it is checked, by one statement, so that a hundred simultaneous attempts get no further
than a hundred in a row. Anybody who gets here has passed a first factor, but an attacker may know the password.
Therefore each session, each known device and each network has a counter of its own, and an attacker blocks neither
the owner's devices nor other networks. Codes of authenticator applications have so few digits that the attempts of
all unknown clients are counted together as well (``SecondFactor.IS_GUESSABLE``). Recovery codes (12 digits) and
signatures can't be guessed: they are counted by network only, so that the owner can use one from elsewhere at any
time.

A finding can lock the codes of authenticator applications for unknown clients (``lock``). Known devices, sessions,
recovery codes and security keys go on, so that whoever causes the finding doesn't lock the owner out.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from math import ceil
from uuid import UUID

from accounts.client_tokens import known_devices
from accounts.conf import account_settings
from accounts.errors import AttemptsExhausted
from accounts.factors.registry import SECOND_FACTORS
from accounts.models import FactorLock, SignInFailures, User
from accounts.models.passwords import AttemptCharge, AttemptCounter, AttemptPool
from accounts.types import FactorMethod


@dataclass(frozen=True, slots=True)
class AttemptSource:
    """Where an attempt comes from: a session, otherwise a known device, otherwise an unknown client in a network."""

    session_id: UUID | None = None
    device: bytes | None = None
    network: str = ""

    @property
    def is_unknown(self) -> bool:
        """Whether neither a session nor a known device vouches for the client."""
        return self.session_id is None and self.device is None


@dataclass(frozen=True, slots=True)
class FactorAttempt:
    """An attempt that may be checked, and what was charged for it."""

    method: FactorMethod
    source: AttemptSource
    charged: AttemptCharge

    @property
    def locked_until(self) -> datetime | None:
        """Until when further attempts are refused if this one fails; ``None`` if the next one is still free."""
        waits = [lock["wait"] for lock in self.charged.locks]
        return self.charged.at + timedelta(seconds=max(waits)) if waits else None


def charge(*, user_id: UUID, method: FactorMethod, source: AttemptSource, now: datetime) -> FactorAttempt:
    """Count an attempt as failed before it is checked; ``refund`` takes that back.

    Call it outside of a transaction that may be rolled back.

    Raises: AttemptsExhausted.
    """
    if source.is_unknown and SECOND_FACTORS[method].IS_GUESSABLE:
        _require_not_locked(user_id, now=now)
    counters = _counters(str(user_id), method, source)
    charged = SignInFailures.objects.charge(counters, subject=str(user_id), now=now)
    if charged.wait is not None:
        raise AttemptsExhausted(retry_after=charged.wait)
    return FactorAttempt(method, source, charged)


def refund(*, attempt: FactorAttempt) -> None:
    """Take back what was charged, because the response was right."""
    SignInFailures.objects.refund(keys=attempt.charged.keys, at=attempt.charged.at)


def lock(*, lock_id: UUID, user_id: UUID, until: datetime) -> None:
    """Let unknown clients try no codes of an account until a moment. An account that doesn't exist is no error."""
    if User.objects.present().select_for_update(no_key=True).only("pk").filter(pk=user_id).first() is not None:
        FactorLock.objects.create(pk=lock_id, user_id=user_id, expires_at=until)


def unlock(*, lock_id: UUID) -> None:
    """Take a lock back. The wrong codes that were counted stay counted."""
    FactorLock.objects.filter(pk=lock_id).delete()


def _require_not_locked(user_id: UUID, *, now: datetime) -> None:
    rows = FactorLock.objects.filter(user_id=user_id, expires_at__gt=now)
    until = rows.order_by("-expires_at").values_list("expires_at", flat=True).first()
    if until is not None:
        raise AttemptsExhausted(retry_after=ceil((until - now).total_seconds()))


def _counters(user_id: str, method: FactorMethod, source: AttemptSource) -> list[AttemptCounter]:
    def counter(pool: AttemptPool, *parts: str) -> AttemptCounter:
        return AttemptCounter(
            known_devices.digest(pool, user_id, method, *parts), pool, account_settings.SIGN_IN_BACKOFF[pool]
        )

    if source.session_id is not None:
        return [counter(AttemptPool.FACTOR_SESSION, str(source.session_id))]
    if source.device is not None:
        return [counter(AttemptPool.FACTOR_DEVICE, source.device.hex())]
    counters = [counter(AttemptPool.FACTOR_NETWORK, source.network)]
    return [*counters, counter(AttemptPool.FACTOR)] if SECOND_FACTORS[method].IS_GUESSABLE else counters
