"""Real servers for tests: `python -m cedrina.serving` on a free port, beside a database of its own."""

import base64
import contextlib
import os
import secrets
import signal
import subprocess
import sys
import time
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit

import httpx
import psycopg
from psycopg import sql

from cedrina.tooling.embedded import processes

ROOT = Path(__file__).resolve().parents[1]
START_SECONDS = 60
OURS = (
    "CEDRINA_",
    "DATABASE_",
    "REDIS_",
    "EMAIL_",
    "DJANGO_SETTINGS_MODULE",
    "DEFAULT_FROM",
    "PUBLIC_URL",
    "HOST",
    "PORT",
)
SECRETS = {
    "SECRET_KEY": secrets.token_urlsafe(48),
    "FIELD_ENCRYPTION_KEYS": f"served1:{base64.b64encode(secrets.token_bytes(32)).decode()}",
}
FAST = {"BCRYPT_ROUNDS": "4", "EMAIL_CONFIRMATION": "optional", "LOG_LEVEL": "WARNING", "EMAIL_URL": "memorymail:"}
# Servers on one database are one installation, whatever their ports: the tokens of each name the same issuer.
INSTALLATION = {"PUBLIC_URL": "http://127.0.0.1:8000"}


class Served:
    """One server process: its address, its end and its return."""

    def __init__(self, *, database_url, flags=(), **settings):
        self.port = processes.free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self.flags = flags
        self.environment = environment(DATABASE_URL=database_url, PORT=str(self.port), **settings)
        self.process = None

    def start(self):
        """Start it and wait until it answers."""
        self.process = subprocess.Popen(
            [sys.executable, "-m", "cedrina.serving", *self.flags],
            cwd=ROOT,
            env=self.environment,
            stdin=subprocess.DEVNULL,
            start_new_session=True,
            preexec_fn=processes.ends_with_parent(signal.SIGTERM),
        )
        deadline = time.monotonic() + START_SECONDS
        while time.monotonic() < deadline:
            assert self.process.poll() is None, f"the server ended with {self.process.returncode}"
            try:
                httpx.get(f"{self.url}/livez", timeout=5)
            except httpx.TransportError:
                time.sleep(0.05)
            else:
                return self
        raise AssertionError("the server did not answer")

    def kill(self):
        """End it and its workers without a word."""
        if self.process is not None:
            os.killpg(self.process.pid, signal.SIGKILL)
            self.process.wait()

    def stop(self):
        """Ask it to end; what does not end is killed."""
        if self.process is None or self.process.poll() is not None:
            return
        self.process.terminate()
        try:
            self.process.wait(timeout=10)
        except subprocess.TimeoutExpired:
            self.kill()

    def cpu_seconds(self):
        """Return how much CPU time it and its workers have used (proc(5))."""
        ticks = sum(int(fields[11]) + int(fields[12]) for fields in self._processes())
        return ticks / os.sysconf("SC_CLK_TCK")

    def resident_bytes(self):
        """Return how much memory it and its workers hold."""
        return sum(int(fields[21]) for fields in self._processes()) * os.sysconf("SC_PAGE_SIZE")

    def _processes(self):
        """Yield the fields of each process of the server's group, from its state on."""
        for entry in Path("/proc").glob("[0-9]*/stat"):
            with contextlib.suppress(OSError):
                fields = entry.read_text().rpartition(")")[2].split()
                if int(fields[2]) == self.process.pid:
                    yield fields

    def client(self, **options):
        """Return a client that speaks to the API's base path."""
        return httpx.Client(base_url=f"{self.url}/api/v1", **{"timeout": 30, **options})

    def manage(self, *arguments):
        """Run a command of manage.py with the server's settings."""
        return manage(*arguments, environment=self.environment)


def environment(**settings):
    """Return an environment in which only what a test says is set."""
    clean = {name: value for name, value in os.environ.items() if not name.startswith(OURS)}
    return {**clean, **SECRETS, **FAST, **INSTALLATION, **settings}


def manage(*arguments, environment):
    """Run a command of manage.py and return what it printed."""
    done = subprocess.run(
        [sys.executable, "manage.py", *arguments],
        cwd=ROOT,
        env=environment,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr + done.stdout
    return done.stdout


@contextlib.contextmanager
def serving(*, database_url, flags=(), **settings):
    """Give a running server, ended afterwards."""
    server = Served(database_url=database_url, flags=flags, **settings)
    try:
        yield server.start()
    finally:
        server.stop()


@contextlib.contextmanager
def database(*, at=None):
    """Give the URL of a migrated database of its own, on the server that the tests were given."""
    base = at or os.environ["DATABASE_URL"]
    name = f"served_{secrets.token_hex(6)}"
    with psycopg.connect(_libpq(base), autocommit=True) as connection:
        connection.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(name)))
    try:
        url = urlunsplit(urlsplit(base)._replace(path=f"/{name}"))
        migrate(url)
        yield url
    finally:
        with psycopg.connect(_libpq(base), autocommit=True) as connection:
            connection.execute(sql.SQL("DROP DATABASE {} WITH (FORCE)").format(sql.Identifier(name)))


def migrate(url):
    """Bring a database to the schema of today."""
    manage("migrate", "--no-input", "--verbosity=0", environment=environment(DATABASE_URL=url))


def execute(url, *statements):
    """Run statements as the owner of a database; SET and RESET are those of the database itself."""
    with psycopg.connect(_libpq(url), autocommit=True) as connection:
        for statement in statements:
            if statement.startswith(("SET", "RESET")):
                name = sql.Identifier(connection.info.dbname)
                connection.execute("SET default_transaction_read_only = off")
                connection.execute(sql.SQL("ALTER DATABASE {} ").format(name) + sql.SQL(statement))
            else:
                connection.execute(statement)


def _libpq(url):
    return urlunsplit(urlsplit(url)._replace(scheme="postgresql"))
