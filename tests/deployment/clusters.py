"""PostgreSQL clusters that a test starts, kills, copies and promotes, with the shipped roles and commands."""

import contextlib
import os
import re
import shutil
import signal
import subprocess
import time
from types import SimpleNamespace
from urllib.parse import quote

import psycopg

from cedrina.tooling.embedded import accounts, binaries, processes
from tests.deployment import roles
from tests.peers.nginx_server import DEPLOY, LOOPBACK
from tests.programs import served
from tests.programs.ports import free_port

SUPERUSER, REPLICATION = "postgres", "cedrina_replication"
PASSWORDS = {**roles.PASSWORDS, SUPERUSER: "of-the-superuser", REPLICATION: "of the replicas"}
SECONDS = 120
# As compose has them, but that nothing is written to the disk at once: these clusters survive no power cut.
SETTINGS = {
    "listen_addresses": LOOPBACK,
    "unix_socket_directories": "",
    "max_connections": "60",
    "wal_log_hints": "on",
    "wal_keep_size": "512MB",
    "max_slot_wal_keep_size": "1GB",
    "fsync": "off",
}


class Machine:
    """A folder of the user that runs PostgreSQL, with a copy of deploy/ and the programs of two major versions."""

    def __init__(self, folder, run_as):
        self.folder, self.run_as = folder, run_as
        self.programs = {
            major: binaries.find_postgres(run_as=run_as, copies=folder, major=major).directory for major in (16, 18)
        }
        shutil.copytree(DEPLOY, folder / "deploy")
        self.secrets = folder / "secrets"
        self.secrets.mkdir(mode=0o700)
        for role, password in PASSWORDS.items():
            (self.secrets / role).write_text(password + "\n")
        for path in (self.secrets, *self.secrets.iterdir()):
            run_as.own(path)
        run_as.own(folder)

    @property
    def user(self):
        import pwd

        return pwd.getpwuid(self.run_as.uid).pw_name

    def environment(self, cluster=None, *, role=REPLICATION, major=16, **more):
        """Return the environment of a command: libpq's variables for a role on a cluster."""
        given = {"PATH": f"{self.programs[major]}:{os.environ['PATH']}", "SERVER_USER": self.user, "LC_ALL": "C.UTF-8"}
        if cluster is not None:
            given |= {
                "PGHOST": LOOPBACK,
                "PGPORT": str(cluster.port),
                "PGUSER": role,
                "PGDATABASE": "cedrina",
                "PGPASSWORD_FILE": str(self.secrets / role),
            }
        return given | more

    def run(self, script, cluster=None, *, check=True, **options):
        """Run lines of shell in the folder that has deploy/, as an operator does; return what they printed."""
        done = subprocess.run(
            ["sh", "-eu", "-c", script],
            cwd=self.folder,
            env=self.environment(cluster, **options),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=SECONDS,
            check=False,
        )
        if check:
            assert done.returncode == 0, done.stderr + done.stdout
            return done.stdout
        return done

    @contextlib.contextmanager
    def running(self, script, cluster=None, **options):
        """Run a command that goes on until it is stopped."""
        with (self.folder / "commands.log").open("ab") as log:
            process = subprocess.Popen(
                ["sh", "-eu", "-c", f"exec {script.strip()}"],
                cwd=self.folder,
                env=self.environment(cluster, **options),
                stdout=log,
                stderr=log,
                start_new_session=True,
                preexec_fn=processes.ends_with_parent(signal.SIGTERM),
            )
        try:
            yield process
        finally:
            processes.stop(process, with_signal=signal.SIGTERM, patience=20)


class Cluster:
    """One server: a data directory, a port, its start and its ends."""

    def __init__(self, machine, name, *, major=16, port=None, **settings):
        self.machine, self.name, self.major = machine, name, major
        self.data = machine.folder / name
        self.log = machine.folder / f"{name}.log"
        self.port = port or free_port()
        self.settings = {**SETTINGS, **settings}
        self.process = None
        self._binaries = SimpleNamespace(directory=machine.programs[major])

    def url(self, role=SUPERUSER, *, scheme="postgres"):
        return f"{scheme}://{role}:{quote(PASSWORDS[role], safe='')}@{LOOPBACK}:{self.port}/cedrina"

    def initialise(self):
        self.program("initdb", "--pgdata", self.data, "--username", SUPERUSER, "--encoding=UTF8", "--no-sync",
                     "--locale=C", "--auth=scram-sha-256", "--set=scram_iterations=1",
                     "--pwfile", self.machine.secrets / SUPERUSER)  # fmt: skip
        return self

    def program(self, name, *arguments):
        done = subprocess.run(
            [self.machine.programs[self.major] / name, *map(str, arguments)],
            cwd=self.machine.folder,
            capture_output=True,
            text=True,
            check=False,
            **self.machine.run_as.popen_options,
        )
        assert done.returncode == 0, done.stderr
        return done.stdout

    def start(self, *, command=None):
        """Start it, by the command given or by its program, and wait until it answers."""
        options = " ".join(f"-c {name}='{value}'" for name, value in {**self.settings, "port": self.port}.items())
        script = f"{command or f'{self.machine.programs[self.major]}/postgres -D {self.data}'} {options}"
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(
                ["sh", "-c", f"exec {script}"],
                cwd=self.machine.folder,
                env=self.environment,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
                preexec_fn=processes.ends_with_parent(signal.SIGQUIT),
                **({} if command else self.machine.run_as.popen_options),
            )
        deadline = time.monotonic() + SECONDS
        while time.monotonic() < deadline:
            assert self.process.poll() is None, self.log.read_text()[-3000:]
            with contextlib.suppress(psycopg.OperationalError), self.connect(database="postgres"):
                is_restoring = (self.data / "recovery.signal").exists()
                if not is_restoring or self.value("SELECT NOT pg_is_in_recovery()"):
                    return self
            time.sleep(0.02)
        raise AssertionError(self.log.read_text()[-3000:])

    environment = None

    def stop(self):
        if self.process is not None:
            processes.stop(self.process, with_signal=signal.SIGINT, patience=30)

    def kill(self):
        """End all its processes without a word, as a power cut does."""
        os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()

    def connect(self, role=SUPERUSER, *, database="cedrina"):
        url = self.url(role, scheme="postgresql").removesuffix("cedrina") + database
        return psycopg.connect(url, autocommit=True, connect_timeout=5)

    def value(self, statement, *parameters):
        with self.connect() as connection:
            row = connection.execute(statement, parameters).fetchone()
            return row and row[0]


@contextlib.contextmanager
def machine():
    run_as = accounts.postgres_user()
    folder = accounts.temporary_directory(run_as)
    try:
        yield Machine(folder, run_as)
    finally:
        accounts.remove_tree(folder)


def install(cluster):
    """Make the roles by the shipped script and the tables by `migrate`."""
    with cluster.connect(database="postgres") as connection:
        connection.execute("CREATE DATABASE cedrina")
    done = roles.run_script(
        SimpleNamespace(url=cluster.url(), _binaries=cluster._binaries), cluster.machine.folder, passwords=PASSWORDS
    )
    assert done.returncode == 0, done.stderr
    served.manage("migrate", "--no-input", "--verbosity=0", environment=settings(cluster, migrates=True))


def settings(cluster, *, migrates=False):
    given = {"DATABASE_URL": cluster.url(roles.SERVING)}
    if migrates:
        given["DATABASE_MIGRATION_URL"] = cluster.url(roles.OWNER)
    return served.environment(**given, CEDRINA_ENV="development")


def blocks(page):
    """Return the blocks of shell of a page of docs/, in their order."""
    text = (served.ROOT / "docs" / page).read_text(encoding="utf-8")
    return re.findall(r"^```sh\n(.*?)^```$", text, re.DOTALL | re.MULTILINE)


def block(page, containing):
    (found,) = [text for text in blocks(page) if containing in text]
    return found


def wait_until(condition, *, seconds=SECONDS, message=""):
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, message
        time.sleep(0.05)
