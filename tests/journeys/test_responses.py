"""While the worker runs, a search for names by HTTP lowers the limits of its network, and people there go on."""

import json
from itertools import count

import pytest

from tests.journeys.test_detection import sign_in, wait_until
from tests.peers.mail_server import worker
from tests.programs import served
from tests.programs.busy import Lateness

pytestmark = pytest.mark.process

ADDRESS = "198.51.100.{}"
POLICIES = [
    *({"name": name, "limit": 10**6} for name in ("global", "sign-in", "hashing", "hashing-network")),
    {"name": "tightened-client", "limit": 5},
    {"name": "tightened-network", "limit": 10},
]


def test_ten_names_tighten_their_network_within_two_seconds_and_hurts_nobody_there():
    settings = {"TRUSTED_PROXIES": "127.0.0.1/32", "RATELIMIT_POLICIES": json.dumps(POLICIES)}
    with (
        served.database() as url,
        served.serving(database_url=url, **settings) as site,
        site.client() as attacker,
        site.client() as mate,
        worker(site),
    ):
        made = site.manage("create_admin", "--username", "keeper", "--email", "keeper@example.com", "--json")
        password = json.loads(made)["password"]
        signed_in = sign_in(mate, "keeper", password, ADDRESS.format(7))
        with Lateness() as lateness:
            for number in range(10):
                assert sign_in(attacker, f"person{number}", "stolen", ADDRESS.format(number)).status_code == 401
            tries = count(10)
            took = wait_until(
                lambda: (
                    sign_in(attacker, f"person{next(tries)}", "stolen", ADDRESS.format(99)).json()["code"]
                    == "rate_limited"
                )
            )
        # The attacker goes on from other addresses until strangers get nothing more, and one signs in elsewhere.
        codes = [sign_in(attacker, f"x{n}", "stolen", ADDRESS.format(100 + n)).json()["code"] for n in range(12)]
        assert codes[-1] == "rate_limited"
        assert sign_in(attacker, "x", "stolen", "203.0.113.7").status_code == 401

        assert sign_in(mate, "keeper", password, ADDRESS.format(7)).status_code == 200
        headers = {"X-Forwarded-For": ADDRESS.format(7)}
        body = {"refresh_token": signed_in.json()["tokens"]["refresh_token"]}
        assert mate.post("/auth/refresh", json=body, headers=headers).status_code == 200
        status = json.loads(site.manage("ratelimit_status", "--json"))
    # Who goes on for longer is found by further rules, too.
    assert {row["network"] for row in status["tightened_networks"]} == {ADDRESS.format("0/24")}
    assert "enumeration" in {row["reason"] for row in status["tightened_networks"]}
    assert took < 2 + lateness.allowance
