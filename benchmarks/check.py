"""Fail when Cedrina got worse against its peers: `make bench-check`.

Measures the pinned ratios (`pinned_ratios.json`) beside a peer in one interleaved run, and those that are worse by
more than a tenth once more, since machines are noisy. Hashes are cheap here: a sign-in shows what is around its hash.
A ratio says how many times better Cedrina is. No time is compared with one of another run.
"""

import argparse
import dataclasses
import json
import os
import subprocess
import sys
from contextlib import ExitStack
from typing import Any

from ratios import Pinned, failed, is_worse, measured, table
from servers import (
    HERE,
    RESULTS,
    bench_environment,
    cedrina_environment,
    harness,
    migrate,
    peer,
    require_database,
    server,
)

PINNED = HERE / "pinned_ratios.json"
USERS = 8
BCRYPT_ROUNDS = 4
TO_DO = """
Worse than a tenth below what is pinned, twice. Find out what got dearer:
- compare with the commit before by make bench ARGS="--peers dj_rest_auth --parts operations" in a worktree of each;
- count the statements of the call (tests/contract), profile it, look at what it imports;
- if the ratio is worse for a good reason, say so in docs/performance.md and pin it: make bench-check ARGS="--pin NAME".
"""


def main() -> int:
    """Measure, compare, print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=float, default=4.5, help="load for each target and operation")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--only", help="names of ratios, separated by commas")
    parser.add_argument("--pin", help="write what is measured as the new ratios of these names, or of `all`")
    options = parser.parse_args()
    require_database()
    everything = [Pinned(**each) for each in json.loads(PINNED.read_text())]
    names = [each.name for each in everything]
    wanted = options.only.split(",") if options.only else names
    if unknown := set(wanted) - set(names):
        parser.error(f"no such ratio: {', '.join(sorted(unknown))}. There are: {', '.join(names)}")
    chosen = [each for each in everything if each.name in wanted]
    first = measure(chosen, options)
    worse = [each for each in chosen if is_worse(each, first[each.name])]
    again: dict[str, float] = {}
    if worse and not options.pin:
        print(
            f"\n{table(chosen, first, again)}\n\nOnce more, as machines are noisy: {', '.join(e.name for e in worse)}"
        )
        again = measure(worse, options)
    print(f"\n{table(chosen, first, again)}")
    if options.pin:
        pin(everything, first, names if options.pin == "all" else options.pin.split(","))
        return 0
    if failed(chosen, first, again):
        print(TO_DO)
        return 1
    return 0


def measure(chosen: list[Pinned], options: argparse.Namespace) -> dict[str, float]:
    """Return the ratios by their names."""
    of_servers = [each for each in chosen if each.kind != "rate check"]
    load = measure_servers(of_servers, options) if of_servers else {}
    limiters = measure_limiters() if len(of_servers) < len(chosen) else {}
    try:
        return {each.name: measured(each, load=load, limiters=limiters) for each in chosen}
    except ValueError as error:
        sys.exit(f"bench-check: {error}")


def measure_servers(chosen: list[Pinned], options: argparse.Namespace) -> dict[str, Any]:
    """Load the servers in turns."""
    environment = bench_environment(2, bcrypt_rounds=BCRYPT_ROUNDS)
    operations = [each.operation for each in chosen if each.operation] or ["me"]
    with ExitStack() as stack:
        peers = sorted({each.peer.replace("-", "_") for each in chosen})
        mappings = [stack.enter_context(peer(each, environment)) for each in peers]
        own = cedrina_environment(environment) | {"PORT": "8100"}
        migrate(own)
        stack.enter_context(server("http", ["--http"], own))
        load = ["--ops", ",".join(dict.fromkeys(operations)), "--conc", str(USERS), "--logout-conc", str(USERS)]
        rounds = ["--rounds", str(options.rounds), "--seconds", str(options.seconds)]
        mappings.append(str(HERE / "target.json"))
        return harness(*load, *rounds, *mappings, environment=environment, out=RESULTS / "check.json")


def measure_limiters() -> dict[str, Any]:
    """Let the limiters check requests in turns."""
    command = [sys.executable, str(HERE / "limiter.py"), "--rounds", "15"]
    subprocess.run(command, env=os.environ, check=True, stdout=subprocess.DEVNULL)
    rows: dict[str, Any] = json.loads((RESULTS / "limiter.json").read_text())
    return rows


def pin(everything: list[Pinned], found: dict[str, float], names: list[str]) -> None:
    """Write the ratios that were found for these names."""
    chosen = set(names) & set(found)
    pinned = [
        dataclasses.replace(each, ratio=round(found[each.name], 2)) if each.name in chosen else each
        for each in everything
    ]
    PINNED.write_text(json.dumps([dataclasses.asdict(each) for each in pinned], indent=1) + "\n")


if __name__ == "__main__":
    sys.exit(main())
