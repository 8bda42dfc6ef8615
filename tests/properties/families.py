"""A token family behind one face: as the database keeps it, and as a model that is the rule and nothing else.

Tokens are named by their generation, since a family has one of each.
"""

from datetime import timedelta

from tests.factories.accounts import UserFactory
from tests.factories.tokens import open_session
from tokens import errors
from tokens.end_reasons import LOGOUT
from tokens.models import TokenFamily
from tokens.refresh_tokens.reuse_detection import FamilyState, RefreshTokenStatus, RepeatLimits, classify, count_repeat
from tokens.services import introspection, revocation, rotation, verification
from tokens.types import ClientContext, RefreshClaims

RACE = timedelta(seconds=10)
LOST_REPLY = timedelta(hours=24)
OWN_REPEATS, FOREIGN_REPEATS = 10, 2
LIMITS = RepeatLimits(race=RACE, lost_reply=LOST_REPLY, own_repeats=OWN_REPEATS, foreign_repeats=FOREIGN_REPEATS)
ACCESS = timedelta(minutes=14)  # shorter than the shortest life of an access token
FIRST = 1

NETWORKS = {"home": "203.0.113.7", "train": "198.51.100.4", "cafe": "192.0.2.1"}
KINDS = {"phone": "Phone/1.0", "tool": "curl/8.0"}


class Reused(Exception):
    """A theft was seen, and the session ended."""


class Ended(Exception):
    """The session had ended before."""


class DatabaseFamily:
    """The services at work on a row."""

    def __init__(self, now):
        self.user = UserFactory()
        pair = open_session(user=self.user, now=now)
        self.session_id = pair.session_id
        self.pairs = {FIRST: (pair, now)}

    def refresh(self, generation, client, now):
        network, kind = client
        context = ClientContext(ip_address=NETWORKS[network], user_agent=KINDS[kind])
        try:
            pair = rotation.rotate(presented=self.pairs[generation][0].refresh_token, client=context, now=now)
        except errors.RefreshTokenReused:
            raise Reused from None
        except errors.SessionRevoked:
            raise Ended from None
        successor = generation + 1
        if successor in self.pairs:
            assert pair.refresh_token == self.pairs[successor][0].refresh_token, "a family forked"
        self.pairs[successor] = pair, now
        return successor

    def use(self, generation, now):
        pair, issued_at = self.pairs[generation]
        if now - issued_at < ACCESS:
            try:
                verification.authenticate(presented=pair.access_token, now=now)
            except errors.SessionRevoked:
                raise Ended from None

    def introspect(self, generation, now):
        pair, issued_at = self.pairs[generation]
        if now - issued_at < ACCESS:
            introspection.introspect(token=pair.access_token, asker=self.user, now=now)

    def log_out(self, now):
        revocation.end_session(session_id=self.session_id, user_id=self.user.pk, reason=LOGOUT, now=now)

    def state(self):
        family = TokenFamily.objects.get(session_id=self.session_id)
        return (
            family.generation,
            family.confirmed_generation,
            family.repeats,
            family.foreign_repeats,
            family.is_foreign_repeated,
            family.repeated_at,
            family.is_revoked,
        )


class ModelFamily:
    """The same by the pure rule, without a database."""

    __slots__ = (
        "client",
        "confirmed",
        "counts",
        "generation",
        "is_ended",
        "issued_at",
        "repeated_at",
        "rotated_at",
    )

    def __init__(self, now):
        self.generation, self.confirmed = FIRST, 0
        self.rotated_at, self.repeated_at, self.client = now, None, None
        self.counts = (0, 0, False)
        self.is_ended = False
        self.issued_at = {FIRST: now}

    def refresh(self, generation, client, now):
        if self.is_ended:
            raise Ended
        if generation == self.generation:
            repeats, foreign_repeats, _ = self.counts if self.repeated_at else (0, 0, False)
            self.counts = (repeats, foreign_repeats, False)
            self.confirmed, self.generation = generation, generation + 1
            self.rotated_at, self.repeated_at, self.client = now, None, client
        else:
            self._repeat(generation, client, now)
        self.issued_at[self.generation] = now
        return self.generation

    def _repeat(self, generation, client, now):
        repeats, foreign_repeats, is_foreign_counted = self.counts
        state = FamilyState(
            token_hash=digest(self.generation),
            previous_token_hash=digest(self.generation - 1),
            generation=self.generation,
            confirmed_generation=self.confirmed,
            rotated_at=self.rotated_at,
            repeated_at=self.repeated_at,
            expires_at=now + LOST_REPLY,
            is_ended=False,
            is_same_network=client[0] == self.client[0],
            is_same_kind=client[1] == self.client[1],
            repeats=repeats,
            foreign_repeats=foreign_repeats,
            is_foreign_counted=is_foreign_counted,
        )
        claims = RefreshClaims(family_id=None, generation=generation, key_epoch=1, digest=digest(generation))
        status = classify(claims, state, limits=LIMITS, now=now)
        if status is RefreshTokenStatus.REUSED:
            self.is_ended = True
            raise Reused
        if status is RefreshTokenStatus.LOST_REPLY:
            self.counts = tuple(count_repeat(state))
            self.repeated_at, self.client = now, client

    def use(self, generation, now):
        if now - self.issued_at[generation] < ACCESS:
            if self.is_ended:
                raise Ended
            self.confirmed = max(self.confirmed, generation)

    def introspect(self, generation, now):
        if now - self.issued_at[generation] < ACCESS and not self.is_ended:
            self.confirmed = max(self.confirmed, generation)

    def log_out(self, now):
        self.is_ended = True

    def state(self):
        return (self.generation, self.confirmed, *self.counts, self.repeated_at, self.is_ended)


def digest(generation):
    return generation.to_bytes(8)
