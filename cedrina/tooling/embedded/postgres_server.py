"""An embedded PostgreSQL server: its data directory, its port, its start and its stop."""

import contextlib
import locale
import secrets
import signal
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import psycopg

from cedrina.tooling.embedded import accounts, binaries, processes
from cedrina.tooling.embedded.errors import EmbeddedServerError

ROLE = DATABASE = "cedrina"
START_SECONDS = 60
STOP_SECONDS = 30
ATTEMPTS = 5
LOG_TAIL = 2000

ALWAYS = {
    "listen_addresses": "127.0.0.1",
    "unix_socket_directories": "",
    "logging_collector": "off",
    "max_connections": "400",
}
# The data of a test run need not survive a power cut. Without fsync a commit costs a tenth.
THROWAWAY = {
    "fsync": "off",
    "synchronous_commit": "off",
    "full_page_writes": "off",
    "wal_level": "minimal",
    "max_wal_senders": "0",
}


class PostgresServer:
    """A server on loopback with one data directory. It can be stopped, killed and restarted on the same port."""

    def __init__(self, directory: Path, *, is_durable: bool, keep_open: tuple[int, ...] = ()) -> None:
        self.directory = directory
        self.data = directory / "data"
        self.log = directory / "postgres.log"
        self.port = 0
        self._is_durable = is_durable
        self._keep_open = keep_open
        self._process: subprocess.Popen[bytes] | None = None
        self.run_as = accounts.postgres_user(self.data)
        self._binaries = binaries.find_postgres(run_as=self.run_as, copies=directory, major=_major_of(self.data))

    @property
    def url(self) -> str:
        """The DATABASE_URL of the server's one database."""
        return f"postgres://{ROLE}:{self._password()}@127.0.0.1:{self.port}/{DATABASE}"

    @property
    def is_running(self) -> bool:
        """Whether the server process runs."""
        return self._process is not None and self._process.poll() is None

    def start(self) -> None:
        """Start the server and wait until it answers. Create its data when the directory is empty.

        Raises: EmbeddedServerError with the end of the server's own log.
        """
        if not (self.data / "PG_VERSION").exists():
            self._initialise()
        for _ in range(ATTEMPTS):
            self.port = self.port or processes.free_port()
            if self._launch():
                self._create_database()
                return
            if "Address already in use" not in self._log_tail():
                break
            self.port = 0  # somebody took the port between our look and PostgreSQL's
        raise EmbeddedServerError(f"PostgreSQL did not start. The end of {self.log}:\n{self._log_tail()}")

    def stop(self) -> None:
        """Stop the server: orderly when its data is kept, otherwise at once."""
        if self._process is not None:
            wish = signal.SIGINT if self._is_durable else signal.SIGQUIT
            processes.stop(self._process, with_signal=wish, patience=STOP_SECONDS)

    def _initialise(self) -> None:
        accounts.remove_tree(self.data)  # what an interrupted first start left behind
        self.data.mkdir(mode=0o700)
        self.run_as.own(self.data)
        secret = self.directory / "password"
        secret.touch(mode=0o600)
        secret.write_text(secrets.token_urlsafe(32))
        self.run_as.own(secret)
        options = [
            f"--pgdata={self.data}",
            f"--username={ROLE}",
            f"--pwfile={secret}",
            "--auth=scram-sha-256",
            "--encoding=UTF8",
            f"--locale={_unicode_locale()}",
            "--set=scram_iterations=1",  # 32 random bytes need no stretching, and every connection would pay for it
            *([] if self._is_durable else ["--no-sync"]),
        ]
        done = subprocess.run(
            [str(self._binaries.directory / "initdb"), *options],
            cwd=self.directory,
            capture_output=True,
            text=True,
            check=False,
            **self.run_as.popen_options,
        )
        if done.returncode:
            accounts.remove_tree(self.data)
            raise EmbeddedServerError(f"PostgreSQL could not make its data directory:\n{done.stderr[-LOG_TAIL:]}")

    def _launch(self) -> bool:
        settings = {**ALWAYS, "port": str(self.port), **({} if self._is_durable else THROWAWAY)}
        command = [str(self._binaries.directory / "postgres"), "-D", str(self.data)]
        command += [part for name, value in settings.items() for part in ("-c", f"{name}={value}")]
        with self.log.open("wb") as log:
            self._process = subprocess.Popen(
                command,
                cwd=self.directory,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
                pass_fds=self._keep_open,
                preexec_fn=processes.ends_with_parent(signal.SIGINT if self._is_durable else signal.SIGQUIT),
                **self.run_as.popen_options,
            )
        return self._answers()

    def _answers(self) -> bool:
        deadline = time.monotonic() + START_SECONDS
        while self.is_running and time.monotonic() < deadline:
            try:
                with self._connect():
                    return True
            except psycopg.OperationalError:
                time.sleep(0.05)
        self.stop()
        return False

    def _connect(self) -> "psycopg.Connection[tuple[object, ...]]":
        url = self.url.removesuffix(DATABASE) + "postgres"
        return psycopg.connect(url, autocommit=True, connect_timeout=5)

    def _create_database(self) -> None:
        with self._connect() as connection, contextlib.suppress(psycopg.errors.DuplicateDatabase):
            connection.execute(f"CREATE DATABASE {DATABASE}")  # a constant: SQL has no parameter here

    def _password(self) -> str:
        return (self.directory / "password").read_text()

    def _log_tail(self) -> str:
        return self.log.read_text(errors="replace")[-LOG_TAIL:] if self.log.exists() else ""


@contextlib.contextmanager
def temporary(*, is_durable: bool = False) -> Iterator[PostgresServer]:
    """Yield a server that is deleted with its data afterwards, for tests that stop or kill it."""
    run_as = accounts.postgres_user()
    directory = accounts.temporary_directory(run_as)
    try:
        server = PostgresServer(directory, is_durable=is_durable)
        try:
            server.start()
            yield server
        finally:
            server.stop()
    finally:
        accounts.remove_tree(directory)


def _major_of(data: Path) -> int | None:
    version = data / "PG_VERSION"
    return int(version.read_text()) if version.exists() else None


def _unicode_locale() -> str:
    # With C.UTF-8 lower() also converts letters beyond ASCII. Not every system has this locale.
    before = locale.setlocale(locale.LC_CTYPE)
    try:
        locale.setlocale(locale.LC_CTYPE, "C.UTF-8")
    except locale.Error:
        return "C"
    finally:
        locale.setlocale(locale.LC_CTYPE, before)
    return "C.UTF-8"
