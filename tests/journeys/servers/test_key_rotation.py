"""The signing key is changed while processes serve: nobody who has a good token is refused."""

import base64
import json
import threading
import time
from urllib.parse import urlsplit, urlunsplit

import httpx
import jwt
import psycopg
import pytest

from tests import fault_figures
from tests.problem_shape import assert_problem
from tests.programs import served

# An unknown key is asked for at most once in so many seconds.
LOOK_SECONDS = 5
# After each token that a person got and showed. Without it two people take all that the machine has.
PAUSE_SECONDS = 0.05
PROPAGATION = "120"


@pytest.fixture(scope="module")
def servers():
    """Two servers, of which the second has been restarted with another algorithm already."""
    with (
        served.database() as url,
        served.serving(database_url=url, JWKS_PROPAGATION_SECONDS=PROPAGATION) as first,
        served.serving(
            database_url=url, JWKS_PROPAGATION_SECONDS=PROPAGATION, ACCESS_TOKEN_ALGORITHM="ES256"
        ) as second,
    ):
        yield first, second


@pytest.fixture
def people(servers, newcomer):
    """One person at each server, so that each has looked at the keys."""
    everybody = [newcomer(server) for server in servers]
    for person in everybody:
        assert person.register().status_code == 201
        assert person.is_signed_in
    return everybody


def kid_of(token):
    header = token.split(".")[0]
    return json.loads(base64.urlsafe_b64decode(header + "=" * (-len(header) % 4)))["kid"]


def published_keys(server):
    with server.client() as client:
        return client.get(f"{server.url}/.well-known/jwks.json").json()


def published(server):
    return {key["kid"] for key in published_keys(server)["keys"]}


def published_with(server, kid):
    """Return the published keys once this one is among them, which a server hears with its next statement."""
    deadline = time.monotonic() + LOOK_SECONDS
    while kid not in str(document := published_keys(server)):
        assert time.monotonic() < deadline
        time.sleep(PAUSE_SECONDS)
    return document


def rotate(server, *options):
    return json.loads(server.manage("rotate_signing_key", "--yes", "--json", *options))["kid"]


def let_the_propagation_time_pass(server):
    """Make all that is known about keys as old as it will be when the new one signs."""
    url = urlunsplit(urlsplit(server.environment["DATABASE_URL"])._replace(scheme="postgresql"))
    with psycopg.connect(url) as connection:
        connection.execute(
            "UPDATE tokens_signingkey SET activated_at = activated_at - %(span)s::interval, "
            "retired_at = retired_at - %(span)s::interval, expires_at = expires_at - %(span)s::interval",
            {"span": f"{PROPAGATION} seconds"},
        )


class TestRotatingTheSigningKey:
    @pytest.mark.fault
    @pytest.mark.parametrize("algorithm", ["RS256", "ES256"])
    def test_refuses_no_good_token_while_all_servers_work(self, servers, people, algorithm):
        rotating = servers[algorithm == "ES256"]
        old = kid_of(people[0].tokens["access_token"])
        refused, signed_by, ended = [], {}, threading.Event()
        places = list(servers)

        def work(person):
            # Each token is made by one server and shown to all of them, all the time.
            while not ended.wait(PAUSE_SECONDS):
                for place in tuple(places):
                    person.move_to(place)
                    answer = person.me()
                    if answer.status_code != 200:
                        refused.append((place.url, answer.text))
                if person.refresh().status_code != 200:
                    refused.append((person.base, "refresh"))
                signed_by[kid_of(person.tokens["access_token"])] = person.tokens["access_token"]

        threads = [threading.Thread(target=work, args=[person]) for person in people]
        for thread in threads:
            thread.start()
        try:
            new = rotate(rotating)
            jwks = {place: published_with(place, new) for place in servers}
            let_the_propagation_time_pass(rotating)
            time.sleep(LOOK_SECONDS)
            with served.serving(database_url=rotating.environment["DATABASE_URL"]) as third:
                assert published(third) >= {old, new}
                places.append(third)
                time.sleep(LOOK_SECONDS)
                places.remove(third)
                ended.set()
                for thread in threads:
                    thread.join()
        finally:
            ended.set()

        fault_figures.keep("the signing key is rotated in use", "good tokens refused", len(refused), goal=0, unit="")
        assert refused == []
        assert signed_by.keys() == {old, new}
        assert jwt.get_unverified_header(signed_by[new])["alg"] == algorithm
        # What each server published when the key was made, before anything was signed with it, verifies all tokens.
        for document in jwks.values():
            keys = jwt.PyJWKSet.from_dict(document)
            for kid, token in signed_by.items():
                assert jwt.decode(token, keys[kid], algorithms=["RS256", "ES256"], audience="cedrina")

    def test_keeps_the_old_key_published_until_its_last_token_ends(self, servers, people):
        old = kid_of(people[0].tokens["access_token"])

        new = rotate(servers[0])

        with served.serving(database_url=servers[0].environment["DATABASE_URL"]) as third:
            assert published(third) >= {old, new}
            people[0].move_to(third)
            assert people[0].is_signed_in
            # The new key is published, so that everybody can fetch it, before anything is signed by it.
            people[0].refresh()
            assert kid_of(people[0].tokens["access_token"]) != new

    def test_in_an_emergency_ends_access_tokens_but_no_session(self, servers, people):
        new = rotate(servers[0], "--emergency")

        with served.serving(database_url=servers[0].environment["DATABASE_URL"]) as third:
            for person in people:
                person.move_to(third)
                assert person.me().status_code == 401
                assert person.refresh().status_code == 200
                assert kid_of(person.tokens["access_token"]) == new
                assert person.is_signed_in
            assert published(third) == {new}


def fresh(server):
    """Return a client whose every request is a connection of its own, so that all workers get some of them."""
    return server.client(limits=httpx.Limits(max_keepalive_connections=0), headers={"Connection": "close"})


@pytest.mark.attack("NIST SP 800-57, 8.3.5")
class TestAnEmergency:
    """The private key has leaked: nothing that it signs may count anywhere, and nothing may be signed with it."""

    SECONDS = 5
    REQUESTS = 30

    @pytest.fixture
    def workers(self, servers):
        url = servers[0].environment["DATABASE_URL"]
        with (
            served.serving(database_url=url, flags=("--http",), WEB_CONCURRENCY="3", RATELIMIT_ENABLED="off") as http,
            served.serving(database_url=url, RATELIMIT_ENABLED="off") as both,
        ):
            yield http, both

    def check_refusals(self, server, stolen):
        with fresh(server) as client:
            for number in range(self.REQUESTS):
                bearer = {"Authorization": f"Bearer {stolen[number % len(stolen)]}"}
                for method, path in (("GET", "/auth/me"), ("POST", "/auth/logout"), ("GET", "/auth/sessions")):
                    body = {} if method == "POST" else None
                    answer = client.request(method, path, json=body, headers=bearer)
                    assert_problem(answer, status=401, code="invalid_token")

    def test_is_over_on_all_workers_within_five_seconds(self, workers, newcomer):
        people = [newcomer(server) for server in workers for _ in range(3)]
        for person in people:
            person.register()
            assert person.is_signed_in
        stolen = [person.tokens["access_token"] for person in people]
        for server in workers:
            for _ in range(self.REQUESTS):  # each worker knows the old key
                published(server)

        new = rotate(workers[0], "--emergency")
        since = time.monotonic()

        # With the very next statement of each worker the old key is refused, and with the next token the new one signs.
        for server in workers:
            self.check_refusals(server, stolen)
        time.sleep(max(0.0, since + self.SECONDS - time.monotonic()))
        for server in workers:
            assert all(published(server) == {new} for _ in range(self.REQUESTS))
        for person in people:
            for _ in range(5):
                assert person.refresh().status_code == 200
                assert kid_of(person.tokens["access_token"]) == new
            deadline = time.monotonic() + LOOK_SECONDS + 5
            while not person.is_signed_in:
                assert time.monotonic() < deadline
                time.sleep(0.2)
