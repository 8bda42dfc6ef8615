"""The clock of a server jumps, forward and back, while people use it; the database's clock decides."""

import time

import psycopg
import pytest

from tests import fault_figures
from tests.peers.mail_server import MailServer, worker
from tests.programs import served
from tests.programs.faketime import Clock

pytestmark = pytest.mark.fault

HOUR, DAY = 3600, 86_400
# Longer than an access token lives, than a session without a refresh, than any session.
JUMPS = [2 * HOUR, -2 * HOUR, 40 * DAY, -40 * DAY, 0]
WRONG_PASSWORDS = 5  # of one account, by strangers; then they wait
WAIT_SECONDS = 301
MISDATED = """
SELECT type, occurred_at - now() FROM security_events_event
WHERE occurred_at NOT BETWEEN %s AND now() + interval '5 seconds'
"""


@pytest.fixture(scope="module")
def url():
    with served.database() as url:
        yield url


@pytest.fixture(scope="module")
def clock(tmp_path_factory):
    return Clock(tmp_path_factory.mktemp("clock") / "offset")


@pytest.fixture(scope="module")
def honest(url):
    with served.serving(database_url=url) as running:
        yield running


@pytest.fixture(scope="module", params=[(), ("--http",)], ids=["one port", "http"])
def jumping(url, clock, request):
    with served.serving(database_url=url, flags=request.param, **clock.settings) as running:
        yield running


def rows(url, query, *parameters):
    with psycopg.connect(url.replace("postgres://", "postgresql://"), autocommit=True) as connection:
        return connection.execute(query, parameters).fetchall()


def received_by(mail_server, addresses):
    """Return to whom of these it got mails, in their order."""
    return [message["To"] for message in mail_server.accepted if message["To"] in addresses]


class TestAClockThatJumps:
    def test_ends_no_session_brings_none_back_and_opens_no_limit(self, url, clock, honest, jumping, newcomer):
        clock.jump(0)
        # The database is a copy, in which a few things have happened before.
        [(began,)] = rows(url, "SELECT least(now(), min(occurred_at)) - interval '1 minute' FROM security_events_event")
        person, gone, guessed = newcomer(jumping), newcomer(jumping), newcomer(jumping)
        guesser = newcomer(jumping, name=guessed.name, user_agent="Guesser/1.0")
        for somebody in (person, gone, guessed):
            assert somebody.register().status_code == 201
        ended = dict(gone.tokens)
        assert gone.send("POST", "/auth/logout", {}).status_code == 204
        for _ in range(WRONG_PASSWORDS):
            assert guesser.sign_in(password="wrong").status_code == 401

        refused = []
        for seconds in JUMPS:
            clock.jump(seconds)
            for at in (jumping, honest, jumping):
                person.move_to(at)
                refused += [(seconds, answer.text) for answer in (person.me(), person.refresh()) if answer.is_error]
            # What was made at one clock is good at the other, and what has ended has ended at both.
            gone.move_to(jumping)
            assert gone.me(token=ended["access_token"]).status_code == 401
            assert gone.refresh(ended["refresh_token"]).status_code == 401
            # The limit of guesses is no longer and no shorter than it was.
            answer = guesser.sign_in()
            assert answer.json()["code"] == "too_many_attempts"
            assert 60 < int(answer.headers["Retry-After"]) <= WAIT_SECONDS
            assert rows(url, MISDATED, began) == [], seconds
        fault_figures.keep(
            "a server's clock jumps, up to 40 days", "good tokens refused", len(refused), goal=0, unit=""
        )
        assert refused == []
        assert len(person.send("GET", "/auth/sessions").json()["results"]) == 1

    def test_makes_no_mail_late_and_none_twice(self, url, clock, newcomer):
        mail_server = MailServer().start()
        try:
            settings = {"EMAIL_URL": mail_server.url, "EMAIL_CONFIRMATION": "required"}
            with served.serving(database_url=url, **settings) as site, worker(site, **clock.settings):
                addresses = []
                for seconds in JUMPS:
                    clock.jump(seconds)
                    person = newcomer(site)
                    assert person.register().status_code == 202
                    addresses.append(person.address)
                    deadline = time.monotonic() + 60
                    while person.address not in (received := received_by(mail_server, addresses)):
                        assert time.monotonic() < deadline
                        time.sleep(0.05)
        finally:
            mail_server.stop()
        late = len(addresses) - len(received)
        fault_figures.keep("the worker's clock jumps", "mails sent twice or never", abs(late), goal=0, unit="")
        assert received == addresses
