"""Find out whether a flood of calls that compute hashes stops people elsewhere from signing in.

A served process with two workers and bcrypt of cost 12 is flooded with all calls that compute a hash, first from one
address, then from fifty of one /16, while honest people sign in from networks of their own: once with the limits of
production, once by the fair queue alone. It ends with 1 when fewer than 95 of 100 succeed or 95 of 100 take more than
three seconds. Run it on two cores that nothing else uses.

    .venv/bin/python -m cedrina.tooling.embedded run -- .venv/bin/python benchmarks/flood.py --honest 100
"""

import argparse
import json
import os
import statistics
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from tests.clients import flood
from tests.programs import served

SHARE, SECONDS = 0.95, 3.0
CLIENTS = 130  # more than both workers have room for
FLOODS = {"one address": ["198.51.100.7"], "50 addresses of one /16": flood.one_network(50)}


def measure(*, honest: int, limits: bool) -> list[dict[str, object]]:
    """Flood one server in both ways; return what honest people saw of each."""
    settings = {**flood.SERVER, "RATELIMIT_PROFILE": "production", "RATELIMIT_ENABLED": str(limits).lower()}
    found: list[dict[str, object]] = []
    with served.database() as url, served.serving(database_url=url, flags=("--http",), **settings) as server:
        credentials = flood.prepare(server, honest=20 + honest * len(FLOODS), attackers=8)
        quiet = flood.sign_ins(server, numbers=range(20), pause=0, at_a_time=1)
        first = 20
        for name, addresses in FLOODS.items():
            with flood.flooding(server, addresses=addresses, clients=CLIENTS, credentials=credentials) as attacker:
                results = flood.sign_ins(server, numbers=range(first, first + honest), pause=0.3)
            first += honest
            found.append(
                {
                    "flood": name,
                    "limits": limits,
                    "share": flood.share(results),
                    "p95_seconds": round(flood.p95(results), 2),
                    "median_seconds": round(statistics.median(seconds for _, seconds in results), 2),
                    "median_without_flood": round(statistics.median(seconds for _, seconds in quiet), 2),
                    "attacker": attacker,
                    "load_average": os.getloadavg()[0],
                }
            )
    return found


def main() -> int:
    """Measure, print one JSON object a line, and say by the exit code whether the promise was kept."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--honest", type=int, default=100, help="sign-ins of honest people in each flood")
    options = parser.parse_args()
    is_kept = True
    for limits in (True, False):
        for row in measure(honest=options.honest, limits=limits):
            sys.stdout.write(json.dumps(row) + "\n")
            is_kept &= row["share"] >= SHARE and row["p95_seconds"] < SECONDS  # type: ignore[operator]
    return 0 if is_kept else 1


if __name__ == "__main__":
    sys.exit(main())
