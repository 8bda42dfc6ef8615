"""Measure the rate limiter beside others, on one Redis, in one interleaved run: part of `make bench`.

One thread checks requests by one level and by four. Everybody uses the same redis-py and hiredis, and gets new keys
after half its limit is used. Figures of different runs can't be compared: read the ratios. Each is the median of the
ratios of all rounds, in which everybody had a turn within a few seconds.

The floor is a bare EVALSHA: a script that does nothing, given as many keys and as long an argument as ours. "redis-py"
is `redis.Redis().evalsha(...)`, the usual way; "no arguments" omits the keys and the argument; "our connections" are
those of our store, which leave out redis-py's client and pool.
"""

import argparse
import json
import os
import statistics
import subprocess
import sys
import time
import venv
from pathlib import Path
from typing import Any

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent
PEERS = HERE / "peers" / "limiters"
HOME = ROOT / ".data" / "bench" / "limiters"
RESULT = HERE / "results" / "limiter.json"
CHECKS_BEFORE_NEW_KEYS = 50
LEVELS = (1, 4)
OWN = "cedrina "
FIGURES = ("checks_per_s", "cpu_us", "redis_cpu_us")


def main() -> None:
    """Run the comparison and print it, with a Python that has the others installed."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=float, default=0.1, help="each limiter, number of levels and round")
    parser.add_argument("--rounds", type=int, default=35)
    options = parser.parse_args()
    if "REDIS_URL" not in os.environ:
        sys.exit("REDIS_URL names no Redis: start this by `make bench`, which brings one.")
    python = peers_python()
    if Path(sys.prefix) != python.parents[1]:
        environment = {**os.environ, "PYTHONPATH": f"{ROOT}{os.pathsep}{PEERS}", "PYTHONDONTWRITEBYTECODE": "1"}
        os.execve(python, [str(python), __file__, *sys.argv[1:]], environment)  # noqa: S606 - our own program
    compare(options)


def peers_python() -> Path:
    """Return the Python of an environment that has the others; make it when they are not those of the list."""
    wanted, installed = PEERS / "requirements.txt", HOME / "installed.txt"
    python = HOME / "venv" / "bin" / "python"
    if not installed.is_file() or installed.read_text() != wanted.read_text():
        print(f"Installing the other limiters into {HOME.relative_to(ROOT)}", flush=True)
        venv.create(HOME / "venv", with_pip=True)
        subprocess.run([python, "-m", "pip", "install", "-q", "-r", wanted], check=True)
        installed.write_text(wanted.read_text())
    return python


def compare(options: argparse.Namespace) -> None:
    """Let each check for a while in turn, several times over."""
    import contenders  # type: ignore[import-not-found]

    everyone, server = contenders.everyone(), contenders.Server()
    trips = {(one.name, levels): round_trips(one, levels, server) for one in everyone for levels in LEVELS}
    rounds: dict[tuple[str, int], list[tuple[float, ...]]] = {key: [] for key in trips}
    for _ in range(options.rounds):
        for levels in LEVELS:
            for one in everyone:
                rounds[one.name, levels].append(measured(one, levels, options.seconds, server))
    rows: dict[str, dict[str, Any]] = {
        one.name: {
            str(levels): {
                **dict(zip(FIGURES, map(statistics.median, zip(*rounds[one.name, levels], strict=True)), strict=True)),
                "round_trips": trips[one.name, levels],
            }
            for levels in LEVELS
        }
        for one in everyone
    }
    RESULT.parent.mkdir(exist_ok=True)
    RESULT.write_text(json.dumps(rows, indent=1))
    print_table(rows)
    print_ratios(rounds)


def measured(one: Any, levels: int, seconds: float, server: Any) -> tuple[float, ...]:
    """Return the checks a second, and the CPU microseconds of this process and of Redis for each."""
    check, count = one.check, 0
    redis_cpu = server.cpu()
    begun, cpu = time.perf_counter(), time.process_time()
    until = begun + seconds
    while time.perf_counter() < until:
        names = one.begin(levels)
        for _ in range(CHECKS_BEFORE_NEW_KEYS):
            if not check(names):
                sys.exit(f"{one.name} refused what is within the limit.")
        count += CHECKS_BEFORE_NEW_KEYS
    rate, cpu = count / (time.perf_counter() - begun), time.process_time() - cpu
    return rate, cpu / count * 1e6, (server.cpu() - redis_cpu) / count * 1e6


def round_trips(one: Any, levels: int, server: Any) -> float:
    """Return how often one check asks Redis, counted there."""
    names, checks = one.begin(levels), 10
    one.check(names)
    before = server.reads()
    for _ in range(checks):
        one.check(names)
    # Asking for the number is a round trip, too.
    return (server.reads() - before - 1) / checks


def print_table(rows: dict[str, dict[str, Any]]) -> None:
    """Print the figures."""
    print("\nRate limiters, one thread\n")
    print(f"{'':30}" + "".join(f"{f'{n} level(s)/s':>14}{'CPU us':>8}{'Redis us':>9}{'trips':>6}" for n in LEVELS))
    for name, row in rows.items():
        cells = "".join(
            f"{c['checks_per_s']:14.0f}{c['cpu_us']:8.0f}{c['redis_cpu_us']:9.0f}{c['round_trips']:6.1f}"
            for c in (row[str(levels)] for levels in LEVELS)
        )
        print(f"{name:30}{cells}")


def print_ratios(rounds: dict[tuple[str, int], list[tuple[float, ...]]]) -> None:
    """Print how our slowest algorithm compares, in checks a second and in the CPU time of both sides together."""
    for levels in LEVELS:
        of_level = {name: found for (name, number), found in rounds.items() if number == levels}
        own = min((name for name in of_level if name.startswith(OWN)), key=lambda name: rate(of_level[name]))
        print(f"\n{f'{own}, {levels} level(s), against:':44}{'checks/s':>11}{'CPU':>9}")
        for name, found in of_level.items():
            if not name.startswith(OWN):
                pairs = list(zip(of_level[own], found, strict=True))
                faster = statistics.median(ours[0] / theirs[0] for ours, theirs in pairs)
                cheaper = statistics.median(sum(theirs[1:]) / sum(ours[1:]) for ours, theirs in pairs)
                print(f"  {name:42}{faster:10.2f}x{cheaper:8.2f}x")


def rate(found: list[tuple[float, ...]]) -> float:
    """Return the checks a second of all rounds."""
    return statistics.median(figures[0] for figures in found)


if __name__ == "__main__":
    main()
