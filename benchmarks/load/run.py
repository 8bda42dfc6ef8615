"""Load a server of one's own with people and attackers, and judge it: `make load`.

Starts two HTTP workers with the shipped hashing and a database that is thrown away, registers people, lets Locust play
the scenarios one after the other, and writes a page for each. Load stays on loopback and is bounded.
"""

import argparse
import csv
import json
import os
import subprocess
import sys
import time
import urllib.request
import venv
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

sys.path[:0] = [str(Path(__file__).resolve().parents[1]), str(Path(__file__).resolve().parent)]

from goals import figures
from history import answered, computed, held
from report import page
from samples import sampling
from servers import ROOT, bench_environment, cedrina_environment, migrate, require_database, server

HERE = Path(__file__).resolve().parent
HOME = ROOT / ".data" / "bench" / "load"
SCENARIOS = {
    "sign-in": 8,
    "refresh": 20,
    "mixed": 40,
    "flash-crowd": 10,
    "attack": 20,
    "soak": 20,
}
PORT = 8140
PASSWORD = "violet harbour drum kite"
SOAK_SECONDS = 900
# The others measure what the server can do, so that nobody is refused there.
SHIPPED_LIMITS = {"RATELIMIT_PROFILE": "production", "RATELIMIT_POLICIES": "[]"}


class Run(NamedTuple):
    """A scenario and the server that it is played against. ``hash_ms`` is the time of one password hash."""

    scenario: str
    seconds: float
    people: Path
    hash_ms: float
    pid: int


def main() -> int:
    """Play the scenarios; return 1 if a goal was missed."""
    parser = argparse.ArgumentParser(prog="make load", description=__doc__)
    parser.add_argument("--only", default="sign-in,refresh,mixed,flash-crowd,attack", help="scenarios, by commas")
    parser.add_argument("--seconds", type=float, help=f"of each; 60 without it, and {SOAK_SECONDS} of a soak")
    parser.add_argument("--people", type=int, default=40, help="how many are registered")
    parser.add_argument("--to", type=Path, default=ROOT / ".data" / "load", help="the folder of the pages")
    options = parser.parse_args()
    wanted = options.only.split(",")
    if unknown := set(wanted) - set(SCENARIOS):
        parser.error(f"no such scenario: {', '.join(sorted(unknown))}. There are: {', '.join(SCENARIOS)}")
    require_database()
    locust = _locust()
    environment = cedrina_environment(bench_environment(2))
    migrate(environment)
    options.to.mkdir(parents=True, exist_ok=True)
    environment |= {"PORT": str(PORT), "TRUSTED_PROXIES": "127.0.0.1"}
    missed = 0
    with server("load", ["--http"], environment):
        registered = _register(options.people)
    for scenario in wanted:
        seconds = options.seconds or (SOAK_SECONDS if scenario == "soak" else 60)
        print(f"- {scenario}: {seconds:.0f} s", flush=True)
        own = {**environment, **(SHIPPED_LIMITS if scenario == "attack" else {})}
        with server("load", ["--http"], own) as pid:
            run = Run(scenario, seconds, *registered, pid)
            missed += _play(run, locust=locust, to=options.to)
    print(f"The pages are in {options.to}.")
    return 1 if missed else 0


def _play(run: Run, *, locust: Path, to: Path) -> int:
    """Play one scenario, write its page, and return how many goals were missed."""
    scenario, seconds, people, hash_ms, pid = run
    at_once = SCENARIOS[scenario]
    folder = to / scenario
    folder.mkdir(exist_ok=True)
    command = [str(locust), "-f", str(HERE / "locustfile.py"), "--headless", "--only-summary", "--loglevel", "ERROR"]
    command += [
        "--host",
        f"http://127.0.0.1:{PORT}",
        "--csv",
        str(folder / "figures"),
        "--csv-full-history",
        "--html",
        str(folder / "locust.html"),
    ]
    if scenario != "flash-crowd":
        command += ["--users", str(at_once), "--spawn-rate", str(at_once), "--run-time", f"{seconds:.0f}s"]
    environment = {
        **os.environ,
        "LOAD_PEOPLE": str(people),
        "LOAD_SCENARIO": scenario,
        "LOAD_SECONDS": str(seconds),
        "LOAD_PEOPLE_AT_ONCE": str(at_once),
    }
    url = os.environ["DATABASE_URL"]
    with sampling(pid, database_url=url, every=max(0.5, seconds / 200)) as samples:
        # Locust ends with 1 when an answer failed; the goals say whether there were too many.
        subprocess.run(command, env=environment, check=False, stdout=subprocess.DEVNULL, timeout=seconds + 120)
    series = [*held(samples), computed(samples), *answered(folder / "figures_stats_history.csv")]
    found = figures(scenario, _stats(folder / "figures_stats.csv"), series, hash_ms)
    cores, load = os.cpu_count() or 1, os.getloadavg()[0]
    notes = [
        f"{at_once} people at once, {seconds:.0f} s, two HTTP workers, {cores} cores shared with the load generator.",
        f"One password hash takes {hash_ms:.0f} ms alone. The machine's load at the end: {load:.1f}.",
    ]
    (folder / "index.html").write_text(page(f"Load: {scenario}", notes, found, series))
    document = [
        {"name": each.name, "value": each.value, "unit": each.unit, "goal": each.goal, "is_met": each.is_met}
        for each in found
    ]
    (folder / "figures.json").write_text(json.dumps(document, indent=1))
    for figure in found:
        verdict = {None: "", True: "met", False: "MISSED"}[figure.is_met]
        print(f"    {figure.name:45}{figure.value:10.1f} {figure.unit:5}{verdict}", flush=True)
    return sum(figure.is_met is False for figure in found)


def _stats(path: Path) -> list[Mapping[str, Any]]:
    with path.open(newline="") as lines:
        rows = list(csv.DictReader(lines))
    return [
        {
            "name": row["Name"],
            "requests": int(row["Request Count"]),
            "failures": int(row["Failure Count"]),
            "rate": float(row["Requests/s"]),
            "p50": float(row["50%"] or 0),
            "p95": float(row["95%"] or 0),
            "p99": float(row["99%"] or 0),
        }
        for row in rows
        if row["Name"] not in ("Aggregated", "sign-in (start)") and int(row["Request Count"])
    ]


def _register(count: int) -> tuple[Path, float]:
    """Register people; return the file that names them, and how long one hash takes in milliseconds."""
    names, times = [], []
    for number in range(count):
        name = f"load{os.getpid()}-{number}"
        body = {"username": name, "email": f"{name}@example.com", "password": PASSWORD}
        request = urllib.request.Request(
            f"http://127.0.0.1:{PORT}/api/v1/auth/register",
            json.dumps(body).encode(),
            {"Content-Type": "application/json", "X-Forwarded-For": f"10.9.{number // 250}.{number % 250}"},
        )
        began = time.perf_counter()
        with urllib.request.urlopen(request, timeout=60) as answer:
            answer.read()
        times.append(time.perf_counter() - began)
        names.append(name)
        if len(times) % 10 == 0:
            print(f"    {len(times)} of {count} people registered", flush=True)
    HOME.mkdir(parents=True, exist_ok=True)
    path = HOME / "people.json"
    path.write_text(json.dumps({"names": names, "password": PASSWORD}))
    return path, 1000 * sorted(times)[len(times) // 2]


def _locust() -> Path:
    """Return Locust's program, in an environment of its own: it patches the standard library when it is imported."""
    locked = ROOT / "requirements" / "load.txt"
    installed, program = HOME / "installed.txt", HOME / "venv" / "bin" / "locust"
    if not installed.exists() or installed.read_text() != locked.read_text():
        HOME.mkdir(parents=True, exist_ok=True)
        venv.create(HOME / "venv", with_pip=True)
        pip = [str(HOME / "venv" / "bin" / "python"), "-m", "pip", "install", "--quiet", "--require-hashes"]
        subprocess.run([*pip, "-r", str(locked)], check=True)
        installed.write_text(locked.read_text())
    return program


if __name__ == "__main__":
    sys.exit(main())
