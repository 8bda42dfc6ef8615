"""Limits as clients and operators meet them: over HTTP, on several processes, with and without Redis."""

import json
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor

import httpx
import psycopg
import pytest

from tests.journeys.person import PASSWORD, Person
from tests.problem_shape import assert_problem
from tests.programs import served
from tests.programs.busy import Lateness
from tests.ratelimiting.conftest import own_redis

ADMIN = "/admin/rate-limit-policies"
OF_LIMITS = {"ratelimit", "ratelimit-policy", "x-ratelimit-limit", "x-ratelimit-remaining", "x-ratelimit-reset"}
LIVE_SECONDS = 2
ANSWER_SECONDS = 3
WORKERS, LIMIT = 4, 10
RECOVERY_SECONDS = 30


@pytest.fixture(scope="module")
def guessed_url():
    """A database for many wrong passwords, which are counted for our one address."""
    with served.database() as url:
        yield url


@pytest.fixture(scope="module")
def strict(guessed_url):
    """A server with the limits of production."""
    with served.serving(database_url=guessed_url, RATELIMIT_PROFILE="production") as server:
        yield server


@pytest.fixture
def boss(server):
    """An administrator, signed in at the server that all journeys share."""
    made = server.manage("create_admin", "--username", "keeper", "--email", "keeper@example.com", "--json")
    person = Person(server, name="keeper")
    person.password = json.loads(made)["password"]
    assert person.sign_in().status_code == 200
    yield person
    person.close()


def attempt(server, number=0):
    body = {"username": f"nobody-{number}", "password": PASSWORD}
    return httpx.post(f"{server.url}/api/v1/auth/login", json=body, timeout=120)


class TestASignInTooMany:
    def test_is_told_how_long_to_wait(self, strict):
        answers = [attempt(strict, number) for number in range(12)]

        assert [answer.status_code for answer in answers] == [401] * 10 + [429] * 2
        assert [answer.headers["RateLimit-Policy"] for answer in answers] == ['"sign-in";q=10;w=60'] * 12
        assert answers[0].headers["X-RateLimit-Remaining"] == "9"
        refused = answers[-1]
        assert_problem(refused, status=429, code="rate_limited")
        wait = int(refused.headers["Retry-After"])
        assert refused.headers["RateLimit"] == f'"sign-in";r=0;t={wait}'
        assert 1 <= wait <= 66  # the rest of this window, and a tenth of the next one in which this one still weighs
        assert 0 <= int(refused.headers["X-RateLimit-Reset"]) - time.time() - wait + 1 <= 2

    def test_takes_no_spelling_that_opens_another_bucket(self, strict):
        body = {"username": "nobody", "password": PASSWORD}
        with httpx.Client(base_url=strict.url, timeout=120) as client:
            for _ in range(11):
                client.post("/api/v1/auth/login", json=body)
            for forged in ("X-Forwarded-For", "Forwarded", "X-Real-IP", "CF-Connecting-IP", "True-Client-IP"):
                value = "for=198.51.100.9" if forged == "Forwarded" else "198.51.100.9"
                answer = client.post("/api/v1/auth/login", json=body, headers={forged: value})
                assert_problem(answer, status=429, code="rate_limited")
            for path in ("/api/v1/auth/login?x=1", "/api/v1//auth/login", "/api/v1/auth/login/", "/API/v1/auth/login"):
                assert client.post(path, json=body).status_code in (404, 429)


class TestEveryAnswerOfTheApi:
    def test_tells_the_tightest_quota(self, server, newcomer):
        person = newcomer(server)
        person.register()
        answers = [
            person.me(),
            person.me(token="junk"),
            person.me(token=""),
            person.send("DELETE", "/auth/login"),
            person.send("GET", "/auth/nothing"),
            person.send("POST", "/auth/login", {}),
            person.send("POST", "/auth/login", {"username": person.name, "password": "wrong wrong wrong"}),
            person.send("POST", "/auth/forgot-password", {"email": person.address}),
            person.send("POST", "/auth/refresh", {"refresh_token": "cdr_x"}),
            person.client.post(f"{person.base}/auth/login", content=b"{", headers={"Content-Type": "application/json"}),
            person.client.post(f"{person.base}/auth/login", content=b"x", headers={"Content-Type": "text/plain"}),
            person.client.get(f"{person.base}/auth/me", headers={"Accept": "image/png"}),
        ]

        assert Counter(answer.status_code for answer in answers) == {
            200: 1,
            202: 1,
            400: 1,
            401: 4,
            404: 1,
            405: 1,
            406: 1,
            415: 1,
            422: 1,
        }
        for answer in answers:
            assert set(answer.headers) >= OF_LIMITS, (answer.request.url, answer.status_code)


class TestAPolicy:
    def test_is_live_on_every_server_within_two_seconds_and_taken_back(self, server, other_server, newcomer, boss):
        person = newcomer(server)
        person.register()
        policy = {"name": "profile", "limit": 2, "window": 3600, "scope": ["user"], "match": {"routes": ["me"]}}

        made = boss.send("POST", ADMIN, {**policy, "reason": "profiles are read too often"})
        assert made.status_code == 201
        with Lateness() as lateness:
            for place in (server, other_server):
                person.move_to(place)
                self.wait_until(person, lateness, is_limited_by_it=True)
        for _ in range(3):
            last = person.me()
        assert_problem(last, status=429, code="rate_limited")

        etag = {"If-Match": made.headers["ETag"]}
        path = f"{ADMIN}/{made.json()['id']}?reason=too+strict"
        assert boss.send("DELETE", path, headers=etag).status_code == 204
        with Lateness() as lateness:
            for place in (server, other_server):
                person.move_to(place)
                self.wait_until(person, lateness, is_limited_by_it=False)

    def wait_until(self, person, lateness, *, is_limited_by_it):
        """Ask until the policy is the tightest or gone; each asking takes from it, so not too often.

        Which one is the tightest afterwards depends on what other tests asked for in the last minute.
        """
        deadline = time.monotonic() + LIVE_SECONDS
        while ((seen := person.me().headers["RateLimit-Policy"]) == '"profile";q=2;w=3600') is not is_limited_by_it:
            assert time.monotonic() < deadline + lateness.allowance, seen
            time.sleep(0.2)


class TestRedis:
    def test_that_is_stopped_blocks_no_request_and_allows_four_times_the_guesses_at_most(
        self,
        guessed_url,
        newcomer,
        own_redis,  # noqa: F811 - the fixture
    ):
        settings = {
            "REDIS_URL": own_redis.url,
            "WEB_CONCURRENCY": str(WORKERS),
            "RATELIMIT_POLICIES": json.dumps([{"name": "sign-in", "limit": LIMIT, "window": 3600}]),
        }
        with served.serving(database_url=guessed_url, flags=("--http",), **settings) as server:
            person = newcomer(server)
            person.register()
            assert [attempt(server, number).status_code for number in range(6)] == [401] * 6

            own_redis.halt()
            self.check_calls(person)
            own_redis.go_on()
            own_redis.kill()
            self.check_calls(person)
            with ThreadPoolExecutor(8) as pool:
                guesses = Counter(pool.map(lambda number: attempt(server, number).status_code, range(10, 70)))
            assert set(guesses) == {401, 429}
            assert 6 + guesses[401] <= WORKERS * LIMIT

            own_redis.start()
            self.wait_for_recovery(guessed_url, person)

    def check_calls(self, person):
        with Lateness() as lateness:
            for call in (person.me, person.refresh, lambda: person.send("GET", "/auth/sessions")) * WORKERS:
                began = time.monotonic()
                answer = call()
                assert answer.status_code == 200
                assert set(answer.headers) >= OF_LIMITS
                assert time.monotonic() - began < ANSWER_SECONDS + lateness.allowance

    def wait_for_recovery(self, url, person):
        """Go on until a worker has said that it had to count alone and that it need not any more."""
        deadline = time.monotonic() + RECOVERY_SECONDS
        wanted = {"ratelimit.store_failed", "ratelimit.store_recovered"}
        while not wanted <= (found := set(self.events(url))):
            assert time.monotonic() < deadline, found
            assert person.is_signed_in
            time.sleep(0.2)

    def events(self, url):
        with psycopg.connect(url.replace("postgres://", "postgresql://")) as connection:
            rows = connection.execute("SELECT type FROM security_events_event WHERE type LIKE 'ratelimit.store%'")
            return [kind for (kind,) in rows]
