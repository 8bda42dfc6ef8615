"""An attack by HTTP becomes one incident while the background worker runs, and honest people make none."""

import json
import time

import psycopg
import pytest

from tests.peers.mail_server import worker
from tests.programs import served
from tests.programs.busy import Lateness

pytestmark = pytest.mark.process

ATTACKER, OFFICE = "198.51.100.{}", "203.0.113.7"
WIDE = json.dumps([{"name": name, "limit": 10**6} for name in ("global", "sign-in", "hashing", "hashing-network")])
INCIDENTS = "SELECT rule, network, events FROM security_events_incident ORDER BY rule"
WAITING = """
SELECT EXISTS (
    SELECT FROM security_events_event event, security_events_detectionposition position
    WHERE (event.transaction_id, event.id) > (position.transaction_id, position.event_id)
) OR NOT EXISTS (SELECT FROM security_events_detectionposition)
"""


def ask(url, statement):
    with psycopg.connect(url) as connection:
        return connection.execute(statement).fetchall()


def wait_until(condition, seconds=60):
    began = time.monotonic()
    while not condition():
        assert time.monotonic() - began < seconds
        time.sleep(0.02)
    return time.monotonic() - began


def sign_in(client, name, password, address):
    body = {"username": name, "password": password}
    return client.post("/auth/login", json=body, headers={"X-Forwarded-For": address})


def test_stuffing_from_one_network_is_one_incident():
    settings = {"TRUSTED_PROXIES": "127.0.0.1/32", "RATELIMIT_POLICIES": WIDE}
    with (
        served.database() as url,
        served.serving(database_url=url, **settings) as site,
        site.client() as client,
        worker(site),
    ):
        made = site.manage("create_admin", "--username", "keeper", "--email", "keeper@example.com", "--json")
        password = json.loads(made)["password"]
        wait_until(lambda: not ask(url, WAITING)[0][0])
        for _ in range(4):
            assert sign_in(client, "keeper", "mistyped", OFFICE).status_code == 401
        assert sign_in(client, "keeper", password, OFFICE).status_code == 200
        with Lateness() as lateness:
            for number in range(29):
                assert sign_in(client, f"person{number}", "stolen", ATTACKER.format(number)).status_code == 401
            took = wait_until(lambda: "credential_stuffing" in dict(row[:2] for row in ask(url, INCIDENTS)))
        wait_until(lambda: not ask(url, WAITING)[0][0])
        found = {rule: (network, events) for rule, network, events in ask(url, INCIDENTS)}

    assert found["credential_stuffing"] == ("198.51.100.0/24", 29)
    assert {network for network, _events in found.values()} == {"198.51.100.0/24", ""}
    assert took < 2 + lateness.allowance
