"""Real servers for tests: `python -m cedrina.serving` on a free port, beside a database of its own."""

import base64
import contextlib
import hashlib
import os
import secrets
import signal
import subprocess
import time
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit

import httpx
import psycopg
from psycopg import sql

from cedrina.tooling.embedded import accounts, binaries
from cedrina.tooling.embedded.errors import EmbeddedServerError
from tests.programs import forked_programs
from tests.programs.ports import free_port

ROOT = Path(__file__).resolve().parents[2]
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
FAST = {"BCRYPT_ROUNDS": "4", "EMAIL_CONFIRMATION": "optional", "LOG_LEVEL": "WARNING", "EMAIL_URL": "memorymail:"}
# One run's processes have this in common (pytest-xdist sets it for its workers).
RUN = os.environ.get("PYTEST_XDIST_TESTRUNUID") or secrets.token_hex(16)


def _secret(name):
    """Return 32 bytes that all processes of a run agree on: the keys in the template are encrypted by one of them."""
    return hashlib.sha256(f"{RUN} {name}".encode()).digest()


SECRETS = {
    "SECRET_KEY": _secret("SECRET_KEY").hex(),
    "FIELD_ENCRYPTION_KEYS": f"served1:{base64.b64encode(_secret('FIELD_ENCRYPTION_KEYS')).decode()}",
}
# Servers on one database are one installation, whatever their ports: the tokens of each name the same issuer.
INSTALLATION = {"PUBLIC_URL": "http://127.0.0.1:8000"}


class Served:
    """One server process: its address, its end and its return."""

    def __init__(self, *, database_url, flags=(), folder=ROOT, is_forked=True, prefix=(), **settings):
        self.port, self.folder, self.prefix = free_port(), folder, prefix
        # What the interpreter and the loader of its libraries read when they start, a fork would not see.
        is_own = folder != ROOT or prefix or any(name.startswith(("PYTHON", "LD_")) for name in settings)
        self.is_forked = is_forked and not is_own
        self.url = f"http://127.0.0.1:{self.port}"
        self.flags = flags
        self.environment = environment(DATABASE_URL=database_url, PORT=str(self.port), **settings)
        self.process = None

    def start(self):
        """Start it and wait until it answers."""
        arguments = ["-m", "cedrina.serving", *self.flags]
        if self.is_forked:
            self.process = forked_programs.start(arguments, environment=self.environment)
        else:
            self.process = forked_programs.start_own(
                arguments, environment=self.environment, folder=self.folder, prefix=self.prefix
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
        """Yield the fields of it and of all processes below it, from their state on (proc(5))."""
        pids = [self.process.pid]
        while pids:
            about = Path(f"/proc/{pids.pop()}")
            with contextlib.suppress(OSError):
                yield (about / "stat").read_text().rpartition(")")[2].split()
                for children in about.glob("task/*/children"):
                    pids += children.read_text().split()

    def client(self, **options):
        """Return a client that speaks to the API's base path."""
        return httpx.Client(base_url=f"{self.url}/api/v1", **{"timeout": 90, **options})

    def manage(self, *arguments):
        """Run a command of manage.py with the server's settings."""
        return manage(*arguments, environment=self.environment)


def environment(**settings):
    """Return an environment in which only what a test says is set."""
    clean = {name: value for name, value in os.environ.items() if not name.startswith(OURS)}
    return {**clean, **SECRETS, **FAST, **INSTALLATION, **settings}


def manage(*arguments, environment):
    """Run a command of manage.py and return what it printed."""
    code, out, err = forked_programs.run(["manage.py", *arguments], environment=environment)
    assert code == 0, err + out
    return out


@contextlib.contextmanager
def serving(*, database_url, flags=(), folder=ROOT, is_forked=True, prefix=(), **settings):
    """Give a running server, ended afterwards. It is started in ``folder``, by ``prefix`` if that is a command.

    It is a fork of a process that has loaded its libraries (``forked_programs.py``), unless ``is_forked`` is off, for
    tests of a start, of a whole installation and of the memory of processes.
    """
    options = {"flags": flags, "folder": folder, "is_forked": is_forked, "prefix": prefix}
    server = Served(database_url=database_url, **options, **settings)
    try:
        yield server.start()
    finally:
        server.stop()


@contextlib.contextmanager
def database(*, at=None):
    """Give the URL of a migrated database of its own, on the server that the tests were given or on another one.

    It is a copy of the run's migrated template: a copy takes a tenth of a second, the migrations take three.
    """
    base = at or os.environ["DATABASE_URL"]
    template = _template(base)
    name = f"served_{secrets.token_hex(6)}"
    with maintenance(base) as connection:
        connection.execute(
            sql.SQL("CREATE DATABASE {} TEMPLATE {}").format(sql.Identifier(name), sql.Identifier(template))
        )
    try:
        yield _with_name(base, name)
    finally:
        with maintenance(base) as connection:
            connection.execute(sql.SQL("DROP DATABASE {} WITH (FORCE)").format(sql.Identifier(name)))


def _template(base):
    """Return the name of the database that this run copies on a server; its first user makes and migrates it."""
    name = template_of(RUN)
    with maintenance(base) as connection:
        connection.execute("SELECT pg_advisory_lock(hashtext(%s))", [name])  # until the connection ends
        if connection.execute("SELECT FROM pg_database WHERE datname = %s", [name]).fetchone() is None:
            connection.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(name)))
            try:
                _fill(_with_name(base, name), version=connection.info.server_version)
            except BaseException:
                drop_template(base, RUN)
                raise
    return name


def _fill(url, *, version):
    """Give a template its tables: those of the template on the tests' own server, if it is on another one.

    To migrate takes nine seconds of CPU and more; pg_dump and psql take less than one.
    """
    programs = _programs_of(version)
    if urlsplit(url).netloc == urlsplit(os.environ["DATABASE_URL"]).netloc or programs is None:
        migrate(url)
        return
    with database() as source:  # a copy: while somebody is connected to the template, nobody can copy it
        dump = [programs / "pg_dump", "--no-owner", _libpq(source)]
        fill = [programs / "psql", "--quiet", "--single-transaction", "--set=ON_ERROR_STOP=1", _libpq(url)]
        with subprocess.Popen(dump, stdout=subprocess.PIPE) as dumped:
            subprocess.run(fill, stdin=dumped.stdout, stdout=subprocess.DEVNULL, check=True)
        assert dumped.returncode == 0


def _programs_of(version):
    """Return where pg_dump and psql of a server's major version are, None if they are not here."""
    ourselves = accounts.RunAs(uid=os.geteuid(), gid=os.getegid(), is_somebody_else=False)
    with contextlib.suppress(EmbeddedServerError):
        found = binaries.find_postgres(run_as=ourselves, copies=Path(os.devnull), major=version // 10_000).directory
        return found if (found / "pg_dump").exists() and (found / "psql").exists() else None
    return None


def template_of(run):
    return f"served_template_{run[:12]}"


def drop_template(base, run):
    """Remove what the processes of a run copied, from a server that outlives the run."""
    with contextlib.suppress(psycopg.OperationalError), maintenance(base) as connection:
        name = sql.Identifier(template_of(run))
        connection.execute(sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(name))


def maintenance(base):
    """Connect to the database that a server's URL names, to make and remove others."""
    return psycopg.connect(_libpq(base), autocommit=True)


def _with_name(base, name):
    return urlunsplit(urlsplit(base)._replace(path=f"/{name}"))


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


def make_administrator(url, username):
    """Give somebody the role of administrators, as ``accounts`` stores it: as a grant, with a copy in their row."""
    execute(
        url,
        f"UPDATE accounts_user SET role_grants = 'admin' WHERE username = '{username}'",
        "INSERT INTO access_rolegrant (id, subject, role, reason, granted_by, granted_at) "
        "SELECT gen_random_uuid(), 'user:' || id, 'admin', '', '', now() "
        f"FROM accounts_user WHERE username = '{username}'",
    )


def _libpq(url):
    return urlunsplit(urlsplit(url)._replace(scheme="postgresql"))
