"""What a refresh token is entitled to that is not the present one of its family.

Many clients use their access tokens at other services, and so confirm nothing here. If every repeat of the token before
were a lost reply, its owner and a thief could take turns for ever. So repeats have a budget: each counts once a
generation, in all generations since the last one without a repeat, and less is forgiven to another client than the one
that has the successor already.
"""

from datetime import datetime, timedelta
from enum import Enum, auto
from typing import NamedTuple

from tokens.types import RefreshClaims


class FamilyState(NamedTuple):
    """What the row says when a presented token did not match it, and how the client compares with the row's.

    The row's client is the one that the present token was given to last: the one that rotated, or one whose repeat was
    forgiven since.
    """

    token_hash: bytes
    previous_token_hash: bytes | None
    generation: int
    confirmed_generation: int
    rotated_at: datetime
    repeated_at: datetime | None  # when the present token was last given again for a lost reply
    expires_at: datetime
    is_ended: bool
    now: datetime
    is_same_network: bool = True
    is_same_kind: bool = True
    repeats: int = 0  # generations in a row that were repeated, this one included
    foreign_repeats: int = 0  # those of them that another client repeated
    is_foreign_counted: bool = False  # whether this generation is among the latter

    @property
    def is_same_client(self) -> bool:
        return self.is_same_network and self.is_same_kind

    @property
    def is_stranger(self) -> bool:
        """Whether it is another kind of client in another network, which an honest one seldom becomes at once."""
        return not self.is_same_network and not self.is_same_kind


class RepeatLimits(NamedTuple):
    """For how long and how often a repeat is forgiven."""

    race: timedelta
    lost_reply: timedelta
    own_repeats: int
    foreign_repeats: int


class RepeatCounts(NamedTuple):
    """The counters of a family once a repeat is counted."""

    repeats: int
    foreign_repeats: int
    is_foreign_counted: bool


class RefreshTokenStatus(Enum):
    """What a presented token that is not the present one of its family is entitled to."""

    CURRENT = auto()  # it is the present one after all: another transaction was in between
    LOST_REPLY = auto()
    RACE = auto()
    REVOKED = auto()
    EXPIRED = auto()
    UNKNOWN = auto()
    REUSED = auto()


def classify(  # noqa: PLR0911 - one line of the table each
    claims: RefreshClaims, standing: FamilyState | None, *, grace: RepeatLimits
) -> RefreshTokenStatus:
    """Decide over a genuine token by the first rule that fits.

    Nobody but a holder of a family's past can ever end it: what the row can't have issued is refused and no more.
    """
    if standing is None:
        return RefreshTokenStatus.UNKNOWN
    if standing.is_ended:
        return RefreshTokenStatus.REVOKED
    if standing.expires_at <= standing.now:
        return RefreshTokenStatus.EXPIRED
    if claims.digest == standing.token_hash:
        return RefreshTokenStatus.CURRENT
    if claims.generation >= standing.generation:
        return RefreshTokenStatus.UNKNOWN
    if claims.digest == standing.previous_token_hash:
        # Counted from the last time that the token was given: tabs also race to ask again for a reply that was lost.
        given_at = max(standing.rotated_at, standing.repeated_at or standing.rotated_at)
        if standing.is_same_client and standing.now - given_at < grace.race:
            return RefreshTokenStatus.RACE
        is_confirmed = standing.confirmed_generation >= standing.generation
        if not is_confirmed and standing.now - standing.rotated_at < grace.lost_reply:
            counts = count_repeat(standing)
            if counts.repeats <= grace.own_repeats and counts.foreign_repeats <= grace.foreign_repeats:
                return RefreshTokenStatus.LOST_REPLY
    return RefreshTokenStatus.REUSED


def count_repeat(standing: FamilyState) -> RepeatCounts:
    """Count one repeat, once a generation; one by another client also where it was the row's own client before."""
    is_counted = standing.repeated_at is not None
    is_foreign_new = not standing.is_same_client and not standing.is_foreign_counted
    return RepeatCounts(
        repeats=standing.repeats + (not is_counted),
        foreign_repeats=standing.foreign_repeats + is_foreign_new,
        is_foreign_counted=standing.is_foreign_counted or is_foreign_new,
    )
