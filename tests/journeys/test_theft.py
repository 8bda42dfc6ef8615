"""A copied refresh token is used: the theft is detected, and the session with all its tokens ends."""

import time
from collections import Counter

import psycopg
import pytest

from tests.problem_shape import assert_problem
from tests.programs import served

OWNER = "Mozilla/5.0 (X11; Ubuntu; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0"
RACE_SECONDS = 1
OWN_REPEATS = 3  # instead of ten: each round takes two windows of a race


@pytest.fixture(scope="module")
def quick_server():
    """A server behind a proxy that names the clients, with a race window that a test can wait for."""
    with (
        served.database() as url,
        served.serving(
            database_url=url,
            REFRESH_RACE_SECONDS=str(RACE_SECONDS),
            REFRESH_OWN_REPEATS=str(OWN_REPEATS),
            TRUSTED_PROXIES="127.0.0.0/8",
            RATELIMIT_ENABLED="off",
        ) as running,
    ):
        yield running


def events_of(server, *types, people=None):
    """Return how many events of each type there are; with ``people``, those about others are left out."""
    url = server.environment["DATABASE_URL"].replace("postgres://", "postgresql://", 1)
    with psycopg.connect(url) as connection:
        rows = connection.execute(
            "SELECT type, actor_id, target_id FROM security_events_event WHERE type = ANY(%s)", [list(types)]
        )
        return Counter(
            kind for kind, *subjects in rows if people is None or not any(subjects) or not people.isdisjoint(subjects)
        )


class TestAThief:
    def test_with_an_old_refresh_token_is_caught_and_the_session_ends(self, server, newcomer):
        person = newcomer(server)
        person.register()
        laptop = person.device(server)
        stolen = person.tokens["refresh_token"]
        for _ in range(2):
            person.refresh()
            assert person.is_signed_in

        assert_problem(laptop.refresh(stolen), status=401, code="refresh_token_reused")

        assert_problem(person.me(), status=401, code="session_revoked")
        assert_problem(person.refresh(), status=401, code="session_revoked")
        assert_problem(laptop.refresh(stolen), status=401, code="session_revoked")
        assert laptop.is_signed_in

    def test_who_is_faster_is_seen_when_the_owner_comes(self, server, newcomer):
        person, thief = newcomer(server), newcomer(server)
        person.register()
        thief.tokens = dict(person.tokens)
        for _ in range(2):
            thief.refresh()
            assert thief.is_signed_in

        assert_problem(person.refresh(), status=401, code="refresh_token_reused")
        assert not thief.is_signed_in
        assert_problem(thief.refresh(), status=401, code="session_revoked")

    def test_cannot_log_anybody_out_with_tokens_that_were_made_up(self, server, newcomer):
        person = newcomer(server)
        person.register()
        genuine = person.tokens["refresh_token"]
        for forged in (genuine[:-1] + ("A" if genuine[-1] != "A" else "B"), genuine[:-4], "cdr_" + "A" * 55, "x"):
            assert_problem(person.refresh(forged), status=401, code="invalid_token")

        assert person.is_signed_in
        assert person.refresh().status_code == 200


@pytest.mark.attack("RFC 9700, 4.14.2")
class TestAThiefWhoTakesTurnsWithTheOwner:
    """Both only refresh: their access tokens go to other services, which have the keys or introspect."""

    def take_turns(self, owner, thief, *, rounds=40, look=None, is_same_client=False):
        """Return the round in which one of them was refused. Only the same client is let race."""
        for number in range(1, rounds + 1):
            for holder in (owner, thief):
                answer = holder.refresh()
                if answer.status_code != 200:
                    assert_problem(answer, status=401, code="refresh_token_reused")
                    return number
                if look:
                    look(holder)
                if is_same_client:
                    time.sleep(RACE_SECONDS)
        return None

    @pytest.fixture
    def pair_of(self, newcomer, quick_server):
        def make(*, address, user_agent):
            owner = newcomer(quick_server, user_agent=OWNER)
            owner.client.headers["X-Forwarded-For"] = "203.0.113.7"
            owner.register()
            thief = newcomer(quick_server, user_agent=user_agent)
            thief.client.headers["X-Forwarded-For"] = address
            thief.tokens = dict(owner.tokens)
            return owner, thief

        return make

    @pytest.mark.parametrize(
        ("address", "user_agent"),
        [("203.0.113.9", "curl/8.5.0"), ("198.51.100.4", OWNER), ("198.51.100.4", "curl/8.5.0")],
        ids=["another client", "another network", "both"],
    )
    def test_is_seen_in_the_third_round(self, pair_of, quick_server, address, user_agent):
        owner, thief = pair_of(address=address, user_agent=user_agent)
        before = events_of(quick_server, "token.repeated_elsewhere")["token.repeated_elsewhere"]

        assert self.take_turns(owner, thief) == 3
        for holder in (owner, thief):
            assert_problem(holder.refresh(), status=401, code="session_revoked")
        noticed = events_of(quick_server, "token.repeated_elsewhere")["token.repeated_elsewhere"] - before
        assert bool(noticed) == (user_agent != OWNER and address.startswith("198"))

    def test_is_seen_after_its_repeats_from_the_same_network_with_the_same_client(self, pair_of):
        owner, thief = pair_of(address="203.0.113.9", user_agent=OWNER.replace("140.0", "141.0"))

        assert self.take_turns(owner, thief, is_same_client=True) == OWN_REPEATS + 1

    def test_is_seen_in_the_first_round_where_the_other_service_introspects(self, pair_of, quick_server, newcomer):
        owner, thief = pair_of(address="203.0.113.9", user_agent=OWNER)

        def introspect(holder):
            answer = holder.send("POST", "/auth/introspect", {"token": holder.tokens["access_token"]})
            assert answer.json()["active"]

        assert self.take_turns(owner, thief, look=introspect, is_same_client=True) == 1


@pytest.mark.attack("CWE-779")
class TestOneTokenRepeatedManyTimes:
    def test_makes_no_flood_of_events(self, quick_server, newcomer):
        person = newcomer(quick_server)
        # Of people of other tests, what was repeated is told as a sum a minute later.
        ids = {person.register().json()["user"]["id"]}
        lost, ended = person.tokens["refresh_token"], newcomer(quick_server)
        ids.add(ended.register().json()["user"]["id"])
        token_of_ended = ended.tokens["refresh_token"]
        ended.send("POST", "/auth/logout", {})
        person.refresh(lost)
        types = ("token.successor_repeated", "token.refresh_rejected", "token.reuse_detected", "session.revoked")
        before = events_of(quick_server, *types, people=ids)
        began = time.monotonic()
        for _ in range(100):
            assert person.refresh(lost).status_code == 200
            assert_problem(person.refresh(token_of_ended), status=401, code="session_revoked")
            assert_problem(person.refresh("cdr_" + "A" * 55), status=401, code="invalid_token")
            assert person.send("POST", "/auth/revoke", {"token": token_of_ended}).status_code == 200
            answer = person.send("POST", "/auth/introspect", {"token": token_of_ended})
            assert answer.json() == {"active": False}
        minutes = (time.monotonic() - began) / 60 + 2

        made = events_of(quick_server, *types, people=ids) - before
        # A repeat in the window of a race and one after it, a token of an ended session, and one of nobody.
        kinds = 4
        assert made.total() <= kinds * minutes, made
