"""Honest clients on bad networks are never logged out, and thieves never get past the second use."""

import itertools
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.extra.django import TestCase
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from tests.factories.accounts import UserFactory
from tests.factories.tokens import open_session
from tokens import errors
from tokens.models import TokenFamily
from tokens.services import revocation, rotation, verification
from tokens.types import Principal

RACE = timedelta(seconds=10)
LOST_REPLY = timedelta(hours=24)


class Client:
    """One that keeps the newest pair whose reply reached it."""

    def __init__(self, pair):
        self.pair = pair
        self.used_access = False


class FamilyMachine(RuleBasedStateMachine):
    """One honest device, perhaps a thief with a copy of one of its tokens; replies are lost, doubled and late."""

    @initialize()
    def sign_in(self):
        self.now = datetime(2026, 3, 1, tzinfo=UTC)
        self.user = UserFactory()
        self.honest = Client(open_session(user=self.user, now=self.now))
        self.session_id = self.honest.pair.session_id
        self.issued = [self.honest.pair.refresh_token]
        self.thief = None
        self.is_over = self.was_stolen = self.has_expired = False
        self.lost_at = None

    def refresh(self, client, *, presented=None):
        pair = rotation.rotate(presented=presented or client.pair.refresh_token, now=self.now)
        if pair.refresh_token not in self.issued:
            self.issued.append(pair.refresh_token)
            self.lost_at = None
        return pair

    def use(self, client) -> Principal | None:
        try:
            found = verification.authenticate(presented=client.pair.access_token, now=self.now)
        except errors.AccessTokenExpired:
            return None
        return found.principal

    def honest_does(self, action):
        """What an honest client does works, unless the session is over or a thief was at it."""
        try:
            return action()
        except (errors.RefreshTokenReused, errors.SessionRevoked):
            is_late = self.lost_at is not None and self.now - self.lost_at >= LOST_REPLY
            assert self.is_over or self.was_stolen or is_late, "an honest client was logged out"
            self.is_over = True
        except errors.SessionExpired:
            self.has_expired = True
        return None

    @rule(seconds=st.sampled_from([0, 1, 5, 9, 11, 60, 3600, 20 * 3600]))
    def time_passes(self, seconds):
        self.now += timedelta(seconds=seconds)

    @rule()
    def refresh_and_go_on(self):
        pair = self.honest_does(lambda: self.refresh(self.honest))
        if pair:
            self.honest.pair = pair
            self.honest_does(lambda: self.use(self.honest))

    @rule()
    def refresh_without_using_it(self):
        pair = self.honest_does(lambda: self.refresh(self.honest))
        if pair:
            self.honest.pair = pair

    @rule(times=st.integers(1, 3))
    def lose_the_reply(self, times):
        """The commit happened, the answer never came: a dropped reply and a killed worker look alike."""
        for _ in range(times):
            if self.honest_does(lambda: self.refresh(self.honest)) and self.lost_at is None:
                self.lost_at = self.now

    @rule(tabs=st.integers(2, 4))
    def race_in_several_tabs(self, tabs):
        presented = self.honest.pair.refresh_token
        pairs = [self.honest_does(lambda: self.refresh(self.honest, presented=presented)) for _ in range(tabs)]
        got = {pair.refresh_token for pair in pairs if pair}
        assert len(got) <= 1, "a race made a fork"
        if all(pairs):
            self.honest.pair = pairs[-1]

    @rule()
    def a_late_duplicate_arrives(self):
        """A proxy delivers a request again within the race window; its reply goes nowhere."""
        presented = self.honest.pair.refresh_token
        pair = self.honest_does(lambda: self.refresh(self.honest))
        if pair:
            self.honest.pair = pair
            self.honest_does(lambda: self.use(self.honest))
            self.now += RACE - timedelta(seconds=1)
            assert self.honest_does(lambda: self.refresh(self.honest, presented=presented)) or self.was_stolen

    @rule()
    def use_the_access_token(self):
        self.honest_does(lambda: self.use(self.honest))

    @precondition(lambda self: self.thief is None and not self.is_over)
    @rule()
    def steal_the_present_token(self):
        self.thief = Client(self.honest.pair)
        self.was_stolen = True

    @precondition(lambda self: self.thief is not None and not self.is_over)
    @rule()
    def thief_refreshes_and_uses_it(self):
        try:
            self.thief.pair = self.refresh(self.thief)
            self.use(self.thief)
        except (errors.RefreshTokenReused, errors.SessionRevoked):
            self.is_over = True
        except errors.SessionExpired:
            self.has_expired = True

    @precondition(lambda self: self.thief is not None and not self.is_over)
    @rule()
    def both_move_on_and_the_theft_is_seen(self):
        """Both use the family beyond the race window: the slower one is seen at its second use at the latest."""
        for holder in itertools.islice(itertools.cycle((self.thief, self.honest)), 4):
            try:
                holder.pair = self.refresh(holder)
                self.use(holder)
            except (errors.RefreshTokenReused, errors.SessionRevoked):
                self.is_over = True
                break
            except errors.SessionExpired:
                self.has_expired = True
                return
            self.now += RACE + timedelta(seconds=1)
        assert self.is_over, "a thief and its victim went on side by side"

    @precondition(lambda self: not self.is_over)
    @rule()
    def log_out(self):
        revocation.end_session(session_id=self.session_id, user_id=self.user.pk, reason="logout", now=self.now)
        self.is_over = True

    @rule(choice=st.integers(0, 10**6))
    def replay_an_old_token_after_the_end(self, choice):
        if not self.is_over:
            return
        token = self.issued[choice % len(self.issued)]
        try:
            rotation.rotate(presented=token, now=self.now)
        except (errors.SessionRevoked, errors.SessionExpired):
            return
        pytest.fail("a token worked after its session had ended")

    @invariant()
    def one_lineage(self):
        if not hasattr(self, "session_id"):
            return
        families = list(TokenFamily.objects.filter(session_id=self.session_id))
        assert len(families) == 1
        (family,) = families
        assert family.generation <= len(self.issued)
        assert family.confirmed_generation <= family.generation
        assert family.is_revoked == self.is_over


class TestFamily(TestCase):
    def test_never_logs_out_the_honest_and_always_sees_a_theft(self):
        run_state_machine_as_test(
            FamilyMachine,
            settings=settings(
                max_examples=60, stateful_step_count=30, deadline=None, suppress_health_check=list(HealthCheck)
            ),
        )
