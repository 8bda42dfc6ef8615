"""Measure Cedrina beside its peers, in one interleaved run on this machine: `make bench`.

PostgreSQL is started durable (fsync on) and thrown away; every server gets the same number of workers and bcrypt at
cost 12. Figures of different runs can't be compared: read the ratios.
"""

import argparse
import sys
from contextlib import ExitStack

from servers import (
    HERE,
    PEERS,
    RESULTS,
    bench_environment,
    cedrina_environment,
    database_pid,
    harness,
    migrate,
    peer,
    require_database,
    server,
)

OPERATIONS = ("register", "login", "refresh", "me", "logout")
# PostgreSQL's connections do not suffice for more servers than these with so many workers.
MOST_WORKERS_BESIDE_ONE_PORT = 2


def main() -> int:
    """Run the comparison and print it."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=float, default=9.0, help="load per target, operation and concurrency")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--conc", default="8,32", help="concurrent users")
    parser.add_argument("--ops", default=",".join(OPERATIONS))
    parser.add_argument("--workers", default="2", help="worker processes of each server; several: one run each")
    parser.add_argument("--peers", default=",".join(PEERS), help="with whom to compare; empty for Cedrina alone")
    parser.add_argument("--bcrypt-rounds", type=int, default=12, help="fewer make the preparation shorter")
    parser.add_argument("--parts", default="operations,password-load", help="which of the two runs to make")
    options = parser.parse_args()
    options.peers = [name for name in options.peers.split(",") if name]
    if unknown := set(options.peers) - set(PEERS):
        parser.error(f"no such peer: {', '.join(sorted(unknown))}. There are: {', '.join(PEERS)}")
    require_database()
    for workers in options.workers.split(","):
        compare(options, int(workers))
    return 0


def compare(options: argparse.Namespace, workers: int) -> None:
    """Start everything, load it, stop everything."""
    environment = bench_environment(workers, bcrypt_rounds=options.bcrypt_rounds)
    parts = options.parts.split(",")
    if "operations" in parts:
        load = ["--ops", options.ops, "--conc", options.conc, "--db-pids", database_pid()]
        measure("operations", f"Operations, {workers} worker(s)", load, options, environment)
    if "password-load" in parts:
        # With its usual four threads per worker bcrypt would hold them all, and the peer look worse than it is.
        load = ["--ops", "me", "--conc", "8", "--background-logins", "4"]
        title = f"/auth/me under four endless sign-ins, {workers} worker(s) (gunicorn with 16 threads each)"
        measure("password_load", title, load, options, {**environment, "THREADS": "16"})


def measure(name: str, title: str, load: list[str], options: argparse.Namespace, environment: dict[str, str]) -> None:
    """Start the servers, load them in turn, print the figures."""
    with ExitStack() as stack:
        mappings = [stack.enter_context(peer(each, environment)) for each in options.peers]
        own = cedrina_environment(environment)
        migrate(own)
        stack.enter_context(server("http", ["--http"], {**own, "PORT": "8100"}))
        mappings.append(str(HERE / "target.json"))
        if int(environment["WORKERS"]) <= MOST_WORKERS_BESIDE_ONE_PORT:
            stack.enter_context(server("one", [], {**own, "PORT": "8110"}))
            mappings.append(str(HERE / "target_one_port.json"))
        harness("--check", *mappings, environment=environment)
        baseline = options.peers[0].replace("_", "-") if options.peers else "cedrina"
        common = ["--rounds", str(options.rounds), "--seconds", str(options.seconds), "--baseline", baseline]
        out = RESULTS / f"{name}_{environment['WORKERS']}.json"
        print_table(title, harness(*common, *load, *mappings, environment=environment, out=out), baseline)


def print_table(title: str, result: dict, baseline: str) -> None:
    """Print the figures and, against the baseline, the ratios."""
    print(f"\n{title}\n")
    print(
        f"{'operation':10}{'users':>6}  {'target':22}{'req/s':>9}{'p50 ms':>9}{'p99 ms':>9}{'CPU s/1000':>12}"
        f"{'logins/s':>10}{'errors':>8}   {'req/s x':>8}{'p99 x':>8}{'CPU x':>8}"
    )
    ratios = result.get(f"ratios_to_{baseline}", {})
    names = list(result["targets"])
    for operation in OPERATIONS:
        for users in sorted({int(c) for n in names for c in result["targets"][n].get(operation, {})}):
            for name in names:
                row = result["targets"][name].get(operation, {}).get(str(users))
                if not row or not row["rps"]:
                    continue
                ratio = ratios.get(name, {}).get(operation, {}).get(str(users), {})
                print(f"{operation:10}{users:6}  {name:22}{figures(row)}   {ratios_of(ratio)}")
    print(
        "\nmemory after the run, PSS MiB: "
        + ", ".join(f"{name} {result['targets'][name]['pss_mib_after']}" for name in names)
    )


def figures(row: dict) -> str:
    """Return one target's figures for the table."""
    times = f"{row['rps']:9.1f}{row['p50_ms']:9.2f}{row['p99_ms']:9.2f}{row['server_cpu_s_per_1000']:12.3f}"
    return f"{times}{row['background_logins_per_s']:10.2f}{row['errors']:8}"


def ratios_of(ratio: dict) -> str:
    """Return one target's ratios to the baseline for the table."""
    values = (ratio.get(name) for name in ("rps_x", "p99_x", "cpu_x"))
    return "".join(f"{value:8.3f}" if value is not None else f"{'':8}" for value in values)


if __name__ == "__main__":
    sys.exit(main())
