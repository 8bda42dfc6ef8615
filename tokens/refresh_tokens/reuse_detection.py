"""Decide what a refresh token is worth that is not the current one of its family (RFC 9700, 4.14.2).

A client that lost the response to a refresh presents the previous token again: it repeats the request. Many clients use
their access tokens at other services only, so nothing here shows that they received a token. If every repeat were taken
for a lost response, the owner and a thief could use the family in turns for ever. So repeats are limited: each counts
once a generation, and the count starts anew after a generation without a repeat. A client that is not the one that
received the current token has a lower limit.
"""

from datetime import datetime, timedelta
from enum import StrEnum
from typing import NamedTuple

from tokens.types import RefreshClaims


class FamilyState(NamedTuple):
    """The state of a family, and how the presenting client compares with the family's client.

    The family's client is the one that received the current token last: the one that rotated, or one whose repeat was
    allowed since.
    """

    token_hash: bytes
    previous_token_hash: bytes | None
    generation: int
    confirmed_generation: int
    rotated_at: datetime
    repeated_at: datetime | None  # when the current token was last returned again
    expires_at: datetime
    is_ended: bool
    is_same_network: bool = True
    is_same_kind: bool = True
    repeats: int = 0  # consecutive generations with a repeat, this one included
    foreign_repeats: int = 0  # those of them that another client repeated
    is_foreign_counted: bool = False  # whether this generation is among foreign_repeats
    is_reuse_known: bool = False  # whether the family ended because a token of it was reused

    @property
    def returned_at(self) -> datetime:
        """When the family's client was last given the current token."""
        return max(self.rotated_at, self.repeated_at or self.rotated_at)

    @property
    def is_same_client(self) -> bool:
        """Whether network and kind of client are those of the family's client."""
        return self.is_same_network and self.is_same_kind

    @property
    def differs_in_network_and_kind(self) -> bool:
        """Whether both differ. The same client seldom changes both at once, so this is a sign of theft."""
        return not self.is_same_network and not self.is_same_kind


class RepeatLimits(NamedTuple):
    """For how long, and in how many consecutive generations, a repeat is allowed."""

    race: timedelta
    lost_reply: timedelta
    own_repeats: int
    foreign_repeats: int


class RepeatCounts(NamedTuple):
    """The counters of a family after one more repeat."""

    repeats: int
    foreign_repeats: int
    is_foreign_counted: bool


class RefreshTokenStatus(StrEnum):
    """What a presented refresh token turned out to be."""

    CURRENT = "current"  # another transaction had changed the family in between
    LOST_REPLY = "lost_reply"  # the previous token, whose successor was never used
    RACE = "race"  # the previous token, presented at the same time by the same client, for example in another tab
    REVOKED = "revoked"
    EXPIRED = "expired"
    UNKNOWN = "unknown"  # a genuine token that this family cannot have issued
    REUSED = "reused"


def classify(  # noqa: PLR0911 - one line of the table each
    claims: RefreshClaims, state: FamilyState | None, *, limits: RepeatLimits, now: datetime
) -> RefreshTokenStatus:
    """Classify a genuine token; the first rule that fits decides.

    Only a token that the family did issue can end it. Any other is refused and changes nothing, or strangers could end
    sessions.
    """
    if state is None:
        return RefreshTokenStatus.UNKNOWN
    if state.is_ended:
        return RefreshTokenStatus.REVOKED
    if state.expires_at <= now:
        return RefreshTokenStatus.EXPIRED
    if claims.digest == state.token_hash:
        return RefreshTokenStatus.CURRENT
    if claims.generation >= state.generation:
        return RefreshTokenStatus.UNKNOWN
    if claims.digest == state.previous_token_hash:
        # Counting starts when the current token was last returned, because tabs repeat a request until it is answered.
        if state.is_same_client and now - state.returned_at < limits.race:
            return RefreshTokenStatus.RACE
        is_confirmed = state.confirmed_generation >= state.generation
        if not is_confirmed and now - state.rotated_at < limits.lost_reply:
            counts = count_repeat(state)
            if counts.repeats <= limits.own_repeats and counts.foreign_repeats <= limits.foreign_repeats:
                return RefreshTokenStatus.LOST_REPLY
    return RefreshTokenStatus.REUSED


def is_reuse_of_ended(claims: RefreshClaims, state: FamilyState, *, now: datetime) -> bool:
    """Return whether a token of an ended family was superseded long before the end, so that it must have been copied.

    The current token and the one before it are what a client has that does not know of the end yet.
    """
    return (
        state.is_ended
        and not state.is_reuse_known
        and state.expires_at > now
        and claims.generation < state.generation
        and claims.digest != state.previous_token_hash
    )


def is_held_by_another(claims: RefreshClaims, state: FamilyState, *, now: datetime) -> bool:
    """Return whether this is the current token of a family that ended because an earlier one was reused.

    Then two have tokens of the family. A device that was restored from a backup has the earlier token alone, since the
    backup has replaced the current one.
    """
    is_current = claims.digest == state.token_hash
    return is_current and state.is_ended and state.is_reuse_known and state.expires_at > now


def count_repeat(state: FamilyState) -> RepeatCounts:
    """Count one repeat, at most once a generation.

    A repeat by another client counts as foreign even if the family's own client has repeated this generation before.
    """
    is_counted = state.repeated_at is not None
    is_foreign_new = not state.is_same_client and not state.is_foreign_counted
    return RepeatCounts(
        repeats=state.repeats + (not is_counted),
        foreign_repeats=state.foreign_repeats + is_foreign_new,
        is_foreign_counted=state.is_foreign_counted or is_foreign_new,
    )
