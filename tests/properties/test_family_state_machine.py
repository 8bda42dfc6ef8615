"""Honest clients on bad networks are never logged out, and no theft goes unseen.

The honest client keeps to what is documented: it asks again within a day, in at most ten generations in a row, in two
of them from another network, and copies of its requests arrive within ten seconds or not at all. It may use its access
tokens here, have them introspected, or use them only where nobody asks us.
"""

from datetime import UTC, datetime, timedelta

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

from tests.budgets import examples
from tests.properties.families import (
    FOREIGN_REPEATS,
    LOST_REPLY,
    NETWORKS,
    OWN_REPEATS,
    RACE,
    DatabaseFamily,
    Ended,
    ModelFamily,
    Reused,
)
from tokens.models import TokenFamily

BEGIN = datetime(2026, 3, 1, tzinfo=UTC)
LATEST = BEGIN + timedelta(days=6)  # before anything expires
SECOND = timedelta(seconds=1)
is_alive = precondition(lambda self: not self.is_over)
has_thief = precondition(lambda self: self.thief is not None and not self.is_over)


class FamilyMachine(RuleBasedStateMachine):
    """One device, perhaps a thief with a copy of one of its tokens; responses are lost, repeated and late."""

    family_class = ModelFamily

    @initialize()
    def sign_in(self):
        self.now = BEGIN
        self.family = self.family_class(self.now)
        self.held = 1  # the generation of the newest token whose reply arrived
        self.network = "home"
        self.thief = None  # the generation that the thief holds, and the client that it uses
        self.thief_client = None
        self.is_over = self.was_stolen = False
        self.newest = 1
        # About the generation that the honest client waits for: when its first reply was lost, and from where.
        self.lost_at = None
        self.asked_from = None
        self.repeated_in_a_row = self.moved_in_a_row = 0
        self.is_repeated = self.is_moved = False

    def present(self, *, generation=None):
        """Refresh as the device, which must work unless the session has ended or a thief used a token."""
        try:
            successor = self.family.refresh(generation or self.held, (self.network, "phone"), self.now)
        except (Reused, Ended):
            assert self.is_over or self.was_stolen, "an honest client was logged out"
            self.is_over = True
            return None
        assert successor in (self.newest, self.newest + 1), "a family forked"
        self.newest = successor
        return successor

    def may_ask(self):
        """Whether asking again stays within what is documented."""
        if self.lost_at is None:
            return True
        has_moved = self.asked_from != self.network and not self.is_moved
        return (
            self.now - self.lost_at < LOST_REPLY
            and self.repeated_in_a_row + (not self.is_repeated) <= OWN_REPEATS
            and self.moved_in_a_row + has_moved <= FOREIGN_REPEATS
        )

    def note_asking(self):
        if self.lost_at is None:
            self.lost_at, self.asked_from = self.now, self.network
            return
        if not self.is_repeated:
            self.is_repeated = True
            self.repeated_in_a_row += 1
        if self.asked_from != self.network and not self.is_moved:
            self.is_moved = True
            self.moved_in_a_row += 1
        self.asked_from = self.network

    def note_reply(self, successor):
        self.held = successor
        if not self.is_repeated:
            self.repeated_in_a_row = self.moved_in_a_row = 0
        self.lost_at = self.asked_from = None
        self.is_repeated = self.is_moved = False

    @rule(seconds=st.sampled_from([0, 1, 5, 9, 11, 60, 900, 3600, 20 * 3600]))
    def time_passes(self, seconds):
        self.now = min(self.now + timedelta(seconds=seconds), LATEST)

    @rule(network=st.sampled_from(sorted(NETWORKS)))
    def change_the_network(self, network):
        self.network = network

    @rule(then=st.sampled_from(["use", "introspect", "use elsewhere"]))
    def refresh(self, then):
        if not self.may_ask():
            return
        self.note_asking()
        successor = self.present()
        if successor is None:
            return
        self.note_reply(successor)
        self.show(then)

    def show(self, then):
        if then == "use elsewhere" or self.is_over:
            return
        try:
            getattr(self.family, then)(self.held, self.now)
        except Ended:
            assert self.was_stolen
            self.is_over = True

    @rule(times=st.integers(1, 3))
    def lose_the_reply(self, times):
        """The commit happened, the answer never came: a dropped reply and a worker killed after it look alike."""
        for _ in range(times):
            if not self.is_over and self.may_ask():
                self.note_asking()
                self.present()

    @rule(generations=st.integers(1, OWN_REPEATS), moves=st.lists(st.booleans(), min_size=10, max_size=10))
    def ride_through_bad_reception(self, generations, moves):
        """In several generations in a row the reply is lost, and perhaps the network changed until it asks again."""
        for _, moves_on in zip(range(generations), moves, strict=False):
            self.lose_the_reply(1)
            self.now = min(self.now + 30 * SECOND, LATEST)
            if moves_on:
                before, self.network = self.network, "train" if self.network == "home" else "home"
                if not self.may_ask():
                    self.network = before
            if not self.is_over:
                self.refresh("use elsewhere")

    @rule()
    def a_worker_is_killed_before_the_commit(self):
        """Nothing happened, and the client does not know it: what it asks for next may be the first time or not."""

    @rule(tabs=st.integers(2, 4), then=st.sampled_from(["use", "introspect", "use elsewhere"]))
    def race_in_several_tabs(self, tabs, then):
        if not self.may_ask():
            return
        presented = self.held
        self.note_asking()
        got = set()
        for _ in range(tabs):
            successor = self.present(generation=presented)
            if successor is None:
                return
            got.add(successor)
            self.held = successor
            self.show(then)
        assert len(got) == 1, "a race made a fork"
        self.note_reply(got.pop())

    @rule(delay=st.integers(0, 9), then=st.sampled_from(["use", "introspect", "use elsewhere"]))
    def a_copy_arrives_late(self, delay, then):
        """A proxy delivers a request again within the race window, after the reply; the second reply goes nowhere."""
        if self.lost_at is not None:  # the first one of a generation, so that the window begins with it
            return
        presented = self.held
        self.refresh(then)
        if not self.is_over:
            self.now += delay * SECOND
            self.present(generation=presented)

    @rule(then=st.sampled_from(["use", "introspect"]))
    def use_the_access_token(self, then):
        self.show(then)

    @is_alive
    @precondition(lambda self: self.thief is None)
    @rule(client=st.tuples(st.sampled_from(sorted(NETWORKS)), st.sampled_from(["phone", "tool"])))
    def steal_the_present_token(self, client):
        self.thief, self.thief_client = self.held, client
        self.was_stolen = True

    def thief_presents(self, generation):
        try:
            successor = self.family.refresh(generation, self.thief_client, self.now)
        except (Reused, Ended):
            self.is_over = True
            return
        assert successor in (self.newest, self.newest + 1), "a family forked"
        self.newest = self.thief = successor

    @has_thief
    @rule(then=st.sampled_from(["use", "introspect", "use elsewhere"]))
    def thief_refreshes(self, then):
        self.thief_presents(self.thief)
        if not self.is_over and then != "use elsewhere":
            getattr(self.family, then)(self.thief, self.now)

    @has_thief
    @rule(back=st.integers(1, 3))
    def thief_replays_an_older_token(self, back):
        self.thief_presents(max(1, self.thief - back))

    @has_thief
    @rule(is_thief_first=st.booleans(), gap=st.sampled_from([11, 60, 900]))
    def both_go_on_and_the_theft_is_seen(self, is_thief_first, gap):
        """Neither ever shows an access token to us. A round is one refresh of each."""
        is_same_client = self.thief_client == (self.network, "phone")
        rounds = OWN_REPEATS + 1 if is_same_client else FOREIGN_REPEATS + 1
        self.now += RACE
        for _ in range(rounds):
            for is_thief in (is_thief_first, not is_thief_first):
                if self.is_over:
                    return
                self.now += gap * SECOND
                if is_thief:
                    self.thief_presents(self.thief)
                elif (successor := self.present()) is not None:
                    self.held = successor
        assert self.is_over, "a thief and its victim went on side by side"

    @is_alive
    @rule()
    def log_out(self):
        self.family.log_out(self.now)
        self.is_over = True

    @precondition(lambda self: self.is_over)
    @rule(back=st.integers(0, 5))
    def replay_a_token_after_the_end(self, back):
        try:
            self.family.refresh(max(1, self.newest - back), (self.network, "phone"), self.now)
        except Ended:
            return
        raise AssertionError("a token worked after its session had ended")

    @invariant()
    def one_lineage(self):
        if not hasattr(self, "family"):
            return
        generation, confirmed, *_counts, is_ended = self.family.state()
        assert generation == self.newest
        assert confirmed <= generation
        assert is_ended == self.is_over


class DatabaseMachine(FamilyMachine):
    """The same against PostgreSQL."""

    family_class = DatabaseFamily

    @invariant()
    def one_row(self):
        if hasattr(self, "family"):
            assert TokenFamily.objects.filter(session_id=self.family.session_id).count() == 1


def run(machine, share):
    budget = settings(max_examples=examples(share), stateful_step_count=40, suppress_health_check=list(HealthCheck))
    run_state_machine_as_test(machine, settings=budget)


class TestFamily(TestCase):
    def test_never_ends_a_session_without_theft_and_always_detects_a_theft(self):
        run(DatabaseMachine, 0.3)  # forty steps with several statements each


class TestTheRule:
    def test_never_ends_a_session_without_theft_and_always_detects_a_theft(self):
        run(FamilyMachine, 4)  # without a database: 10 ms each
