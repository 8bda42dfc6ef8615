"""The people of the load scenarios, for Locust. Each has a session of its own and behaves as a client should.

``LOAD_PEOPLE`` names a JSON file with usernames and their password; ``run.py`` writes it and starts this.
"""

import json
import os
import random
from pathlib import Path
from typing import Any, ClassVar

import gevent
from locust import LoadTestShape, constant_throughput, task
from locust.contrib.fasthttp import FastHttpUser

PEOPLE = json.loads(Path(os.environ["LOAD_PEOPLE"]).read_text())
SCENARIO = os.environ["LOAD_SCENARIO"]
NAMES = list(PEOPLE["names"])
BASE = "/api/v1"
ANSWERED_WHEN_BUSY = {429, 503}  # a refusal that says when to come back is no fault


def _address() -> str:
    return ".".join(["10", *(str(random.randrange(256)) for _ in range(3))])


class Person(FastHttpUser):
    """Signs in once, then calls, refreshes and signs in again."""

    abstract = True
    connection_timeout = network_timeout = 30.0
    tokens: ClassVar[dict[str, str]] = {}

    def on_start(self) -> None:
        """Take a name and an address, and sign in, also while the server is busy."""
        self.name, self.address = NAMES[random.randrange(len(NAMES))], _address()
        while not self.tokens:
            self.sign_in(counted_as="sign-in (start)")
            gevent.sleep(0 if self.tokens else 1)

    def sign_in(self, *, counted_as: str = "sign-in") -> None:
        """Sign in by password."""
        body = {"username": self.name, "password": PEOPLE["password"]}
        with self.client.post(
            f"{BASE}/auth/login", json=body, headers=self.headers(), name=counted_as, catch_response=True
        ) as answer:
            if answer.status_code == 200:
                self.tokens = answer.json()["tokens"]
            else:
                self.judge(answer)

    def refresh(self) -> None:
        """Change the refresh token for a new pair."""
        body = {"refresh_token": self.tokens["refresh_token"]}
        with self.client.post(
            f"{BASE}/auth/refresh", json=body, headers=self.headers(), name="refresh", catch_response=True
        ) as answer:
            if answer.status_code == 200:
                self.tokens = answer.json()
            else:
                self.judge(answer)

    def me(self) -> None:
        """Read one's own account, as every call that checks a token does."""
        headers = {**self.headers(), "Authorization": f"Bearer {self.tokens['access_token']}"}
        with self.client.get(f"{BASE}/auth/me", headers=headers, name="token check", catch_response=True) as answer:
            if answer.status_code != 200:
                self.judge(answer)

    def headers(self) -> dict[str, str]:
        """Return what the proxy in front says about the client."""
        return {"X-Forwarded-For": self.address}

    def judge(self, answer: Any) -> None:
        """Count a refusal for load as an answer, anything else as a failure."""
        if answer.status_code in ANSWERED_WHEN_BUSY and answer.headers.get("Retry-After"):
            answer.success()
        else:
            answer.failure(f"{answer.status_code}")


class SigningIn(Person):
    """Signs in again and again."""

    wait_time = constant_throughput(0.25)
    abstract = SCENARIO != "sign-in"

    @task
    def again(self) -> None:
        """Sign in, from wherever one is now."""
        self.address = _address()
        self.sign_in()


class Refreshing(Person):
    """Refreshes five times a second."""

    wait_time = constant_throughput(5)
    abstract = SCENARIO != "refresh"

    @task
    def again(self) -> None:
        """Refresh."""
        self.refresh()


class Everyday(Person):
    """Forty calls to a refresh, and now and then a sign-in."""

    wait_time = constant_throughput(2)
    abstract = SCENARIO not in {"mixed", "flash-crowd", "attack", "soak"}

    @task(120)
    def call(self) -> None:
        """Make a call."""
        self.me()

    @task(3)
    def renew(self) -> None:
        """Refresh."""
        self.refresh()

    @task(1)
    def return_tomorrow(self) -> None:
        """Sign in, from wherever one is then."""
        self.address = _address()
        self.sign_in()


class Attacker(FastHttpUser):
    """Tries passwords of others, one name after the other, as fast as it is answered."""

    abstract = SCENARIO != "attack"
    fixed_count = 8
    wait_time = constant_throughput(10)

    @task
    def guess(self) -> None:
        """Try one pair. A refusal is what is to happen."""
        body = {"username": f"victim{random.randrange(10**6)}", "password": "letmein-2024!"}
        headers = {"X-Forwarded-For": "203.0.113.66"}
        with self.client.post(
            f"{BASE}/auth/login", json=body, headers=headers, name="guess", catch_response=True
        ) as answer:
            answer.success() if answer.status_code in {401, 429, 503} else answer.failure(str(answer.status_code))


if SCENARIO == "flash-crowd":

    class Crowd(LoadTestShape):
        """A third of the time few people, then ten times as many at once, then few again."""

        def tick(self) -> tuple[int, float] | None:
            """Return how many people there are now."""
            seconds, few = float(os.environ["LOAD_SECONDS"]), int(os.environ["LOAD_PEOPLE_AT_ONCE"])
            at = self.get_run_time()
            if at > seconds:
                return None
            return (10 * few, 10 * few) if seconds / 3 < at < 2 * seconds / 3 else (few, few)
