"""One network floods every call that computes a hash; people elsewhere sign in as ever.

How long they wait is compared with a sign-in before the flood, in the same run: so it says something on any machine.
``benchmarks/flood.py`` measures it in seconds, on a machine of one's own.
"""

import statistics

import pytest

from tests.clients import flood
from tests.programs import served

HONEST = 10  # in each flood; of so few, each one has to be let in
QUIET = 6  # sign-ins before the flood, which the others are compared with
CLIENTS = 70  # more than both workers have room for
SETTINGS = {
    **flood.SERVER,
    "RATELIMIT_PROFILE": "production",
    # Half as many hashes may wait as in production, for half as many threads: as many turns, in half the time.
    "HASHING_THREADS": "1",
    "HASHING_QUEUE": "30",
    # How long a hash may wait is told in seconds, which on a busy machine are few.
    "HASHING_WAIT_SECONDS": "60",
    # A hash of half the usual cost still takes ten times what the rest of a request takes.
    "BCRYPT_ROUNDS": "11",
}
FLOODS = {"one address": ["198.51.100.7"], "fifty addresses of one network": flood.one_network(50)}


@pytest.mark.serial
@pytest.mark.timeout(900)
@pytest.mark.attack("OWASP ASVS 5.0, 2.4.1", "CWE-770")
@pytest.mark.parametrize("limits", ["true", "false"], ids=["with the shipped limits", "by the queue alone"])
class TestAFlood:
    def test_from_one_network_blocks_no_other_network(self, limits):
        settings = {**SETTINGS, "RATELIMIT_ENABLED": limits}
        with served.database() as url, served.serving(database_url=url, flags=("--http",), **settings) as server:
            credentials = flood.prepare(server, honest=HONEST * len(FLOODS) + QUIET, attackers=8)
            quiet = flood.sign_ins(server, numbers=range(HONEST * len(FLOODS), HONEST * len(FLOODS) + QUIET), pause=0)
            for number, addresses in enumerate(FLOODS.values()):
                numbers = range(number * HONEST, (number + 1) * HONEST)
                with flood.flooding(server, addresses=addresses, clients=CLIENTS, credentials=credentials) as attacker:
                    results = flood.sign_ins(server, numbers=numbers, pause=0.1)

                assert flood.share(results) >= 0.95, (results, attacker)
                # It was a flood: much of what was asked for was refused (400: mailed tokens that are no longer good).
                refused = sum(attacker["answers"].get(status, 0) for status in ("400", "429", "503"))
                assert refused > sum(attacker["answers"].values()) / 8, attacker
                if limits == "false":
                    waited = statistics.median(seconds for _, seconds in results)
                    # Behind all that waits they would take twenty turns of a thread; in turn with one network, few.
                    assert waited < 10 * statistics.median(seconds for _, seconds in quiet), (waited, quiet, attacker)
