"""Frozen values that cross layers. What is made for each request is a tuple: nothing is quicker to make."""

from dataclasses import dataclass
from enum import StrEnum
from typing import NamedTuple


class Algorithm(StrEnum):
    """How a quota is counted."""

    TOKEN_BUCKET = "token_bucket"
    SLIDING_WINDOW = "sliding_window"
    FIXED_WINDOW = "fixed_window"


class Mode(StrEnum):
    """What a policy does: refuse, only count and report, or nothing."""

    ENFORCE = "enforce"
    SHADOW = "shadow"
    OFF = "off"


class OnStoreFailure(StrEnum):
    """What decides while the shared store is out of reach: this process' own count, or nothing."""

    LOCAL = "local"
    ALLOW = "allow"
    DENY = "deny"


@dataclass(frozen=True, slots=True)
class Quota:
    """``limit`` requests in ``window`` seconds; a token bucket refills at that rate and holds ``burst``."""

    algorithm: Algorithm
    limit: int
    window: float
    burst: int | None = None


class Level(NamedTuple):
    """One policy applied to one request: its quota, counted under ``key``, and what the request costs."""

    policy: str
    quota: Quota
    key: str
    mode: Mode = Mode.ENFORCE
    cost: int = 1
    on_store_failure: OnStoreFailure = OnStoreFailure.LOCAL


class Verdict(NamedTuple):
    """What a level says. In seconds: ``reset_after`` until all is free again, ``retry_after`` until this request is."""

    level: Level
    is_allowed: bool
    remaining: int
    reset_after: float
    retry_after: float


class Decision(NamedTuple):
    """What all levels of a request say together, charged either all or none."""

    verdicts: tuple[Verdict, ...]
    is_local: bool = False

    @property
    def is_allowed(self) -> bool:
        """Whether every level that is enforced lets the request pass."""
        return all(verdict.is_allowed or verdict.level.mode is not Mode.ENFORCE for verdict in self.verdicts)

    @property
    def tightest(self) -> Verdict | None:
        """The enforced level that refuses longest, else the one with the smallest share left."""
        enforced = [verdict for verdict in self.verdicts if verdict.level.mode is Mode.ENFORCE]
        if not enforced:
            return None
        return min(enforced, key=lambda v: (-v.retry_after, v.remaining / max(1, v.level.quota.limit)))
