"""Networks from which attacks come get lower limits, in every process and for a while."""

import time
from datetime import timedelta
from itertools import count

import httpx
import pytest
from django.utils import timezone

from cedrina_base.uuids import uuid7
from ratelimiting.models import TightenedNetwork
from ratelimiting.services import background_thread, tightened_networks
from tests.programs import served

NOW = timezone.now()
MINUTE = timedelta(minutes=1)


def tighten(network, *, minutes=60, now=NOW):
    network_id = uuid7()
    is_done = tightened_networks.tighten(
        tightening_id=network_id, network=network, reason="a_rule", ends_at=now + minutes * MINUTE, now=now
    )
    background_thread.run_once(now=now)
    return network_id if is_done else None


@pytest.mark.django_db
class TestTighten:
    @pytest.mark.parametrize(
        ("given", "inside", "outside"),
        [
            ("203.0.113.0/24", "203.0.113.200", "203.0.114.1"),
            ("203.0.113.0", "203.0.113.1", "203.0.112.255"),
            ("203.0.113.7/32", "::ffff:203.0.113.200", "unknown"),
            ("2001:db8:1::/48", "2001:db8:1:ffff::1", "2001:db8:2::1"),
            ("2001:db8:1:2::3", "2001:db8:1::9", "203.0.113.1"),
        ],
    )
    def test_covers_the_network_and_nothing_else(self, given, inside, outside):
        assert tighten(given)
        assert tightened_networks.find(inside, now=NOW) is not None
        assert tightened_networks.find(outside, now=NOW) is None
        assert tightened_networks.find(None, now=NOW) is None

    @pytest.mark.parametrize(
        "network", ["0.0.0.0/0", "203.0.0.0/16", "2001:db8::/32", "127.0.0.1", "10.1.2.0/24", "::1", "", "x", "1.2.3"]
    )
    def test_is_not_for_wide_networks_nor_for_what_may_be_a_proxy(self, network):
        assert tighten(network) is None
        assert not TightenedNetwork.objects.exists()

    def test_ends_by_itself(self):
        tighten("203.0.113.0/24", minutes=1)
        assert tightened_networks.find("203.0.113.7", now=NOW + MINUTE) is None
        background_thread.run_once(now=NOW + MINUTE)
        tighten("198.51.100.0/24", now=NOW + MINUTE)
        assert TightenedNetwork.objects.get().network == "198.51.100.0/24"

    def test_ends_when_the_last_of_several_is_taken_back(self):
        first, second = tighten("203.0.113.0/24", minutes=5), tighten("203.0.113.0/24", minutes=1)
        tightened_networks.relax(tightening_id=second)
        background_thread.run_once(now=NOW)
        assert tightened_networks.find("203.0.113.7", now=NOW + 2 * MINUTE) == "203.0.113.0/24"
        tightened_networks.relax(tightening_id=first)
        background_thread.run_once(now=NOW)
        assert tightened_networks.find("203.0.113.7", now=NOW) is None


INSERT = """
    INSERT INTO ratelimiting_tightenednetwork (id, network, reason, began_at, ends_at)
    VALUES (gen_random_uuid(), '203.0.113.0/24', 'a_rule', now(), now() + interval '1 hour')
"""
DELETE = "DELETE FROM ratelimiting_tightenednetwork"
SETTINGS = {"TRUSTED_PROXIES": "127.0.0.1", "RATELIMIT_PROFILE": "production"}


_last = count(1)


def refusals(server):
    """Return how many of six sign-ins by a new address of the network are refused."""
    with httpx.Client(
        base_url=server.url, headers={"X-Forwarded-For": f"203.0.113.{next(_last)}"}, timeout=60
    ) as client:
        answers = [client.post("/api/v1/auth/passkey/login", json={}) for _ in range(6)]
    return sum(answer.status_code == 429 for answer in answers)


def wait_for(server, expected):
    """Wait, generously, until a process refuses that many; the notice reaches it in far less than a second."""
    started = time.monotonic()
    while refusals(server) != expected:
        assert time.monotonic() - started < 60
        time.sleep(0.05)


@pytest.mark.process
def test_holds_in_every_process_and_can_be_taken_back():
    with (
        served.database() as url,
        served.serving(database_url=url, **SETTINGS) as one,
        served.serving(database_url=url, flags=("--http",), **SETTINGS) as other,
    ):
        assert [refusals(server) for server in (one, other)] == [0, 0]
        # The first change without the notice: the threads look once a second.
        for change, notice, expected in ((INSERT, "SELECT 1", 1), (DELETE, "NOTIFY ratelimiting_policies", 0)):
            served.execute(url, change, notice)
            for server in (one, other):
                wait_for(server, expected)
