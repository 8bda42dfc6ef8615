"""What a refresh token is entitled to that is not the present one of its family."""

from datetime import datetime, timedelta
from enum import Enum, auto
from typing import NamedTuple

from tokens.types import RefreshClaims


class Standing(NamedTuple):
    """What the row says when a presented token did not match it."""

    token_hash: bytes
    previous_token_hash: bytes | None
    generation: int
    confirmed_generation: int
    given_at: datetime  # when the present token was made, or last given again because nobody had used it
    rotated_at: datetime
    expires_at: datetime
    is_ended: bool
    now: datetime


class Verdict(Enum):
    """What a presented token that is not the present one of its family is entitled to."""

    CURRENT = auto()  # it is the present one after all: another transaction was in between
    LOST_REPLY = auto()
    RACE = auto()
    REVOKED = auto()
    EXPIRED = auto()
    UNKNOWN = auto()
    REUSED = auto()


def judge(  # noqa: PLR0911 - one line of the table each
    claims: RefreshClaims, standing: Standing | None, *, race: timedelta, lost_reply: timedelta
) -> Verdict:
    """Decide over a genuine token by the first rule that fits.

    Nobody but a holder of a family's past can ever end it: what the row can't have issued is refused and no more.
    """
    if standing is None:
        return Verdict.UNKNOWN
    if standing.is_ended:
        return Verdict.REVOKED
    if standing.expires_at <= standing.now:
        return Verdict.EXPIRED
    if claims.digest == standing.token_hash:
        return Verdict.CURRENT
    if claims.generation >= standing.generation:
        return Verdict.UNKNOWN
    if claims.digest == standing.previous_token_hash:
        is_confirmed = standing.confirmed_generation >= standing.generation
        if not is_confirmed and standing.now - standing.rotated_at < lost_reply:
            return Verdict.LOST_REPLY
        # Counted from the last time that the token was given: tabs also race to ask again for a reply that was lost.
        if standing.now - standing.given_at < race:
            return Verdict.RACE
    return Verdict.REUSED
