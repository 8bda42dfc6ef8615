"""`make run`: database, schema, administrator, server and worker in one foreground process."""

import contextlib
import http.client
import os
import signal
import sys
import time
from http import HTTPStatus
from pathlib import Path
from urllib.parse import quote

from cedrina.settings import development_data
from cedrina.settings.public_address import default_public_url
from cedrina.tooling.development import steps, welcome
from cedrina.tooling.development.errors import StepFailed
from cedrina.tooling.development.supervisor import DevelopmentSupervisor
from cedrina.tooling.embedded import processes
from cedrina.tooling.embedded.errors import EmbeddedServerError
from cedrina.tooling.embedded.session import ServerSession, servers

READY_SECONDS = 60
LOOK_SECONDS = 0.2


def main() -> int:
    """Run all processes until a signal arrives. Return 0 after Ctrl-C, 1 when a step failed."""
    for signum in processes.FORWARDED:
        signal.signal(signum, _interrupt)
    if steps.DOTENV.exists():
        # It loads all settings, which stay in memory (9 MiB).
        from cedrina.settings.dotenv import read_dotenv  # noqa: PLC0415

        read_dotenv()
    data = development_data.data_directory(os.environ.get("CEDRINA_DATA_DIR", ""))
    try:
        with contextlib.ExitStack() as everything:
            try:
                _start(everything, data=data)
            finally:
                _ignore_signals_from_now_on()
    except (StepFailed, EmbeddedServerError) as error:
        print(f"\nmake run: {error}", file=sys.stderr)
        return 1
    except OSError as error:
        where = f"{error.filename}: " if error.filename else ""
        reason = f"{where}{error.strerror or error}"
        print(f"\nmake run: {reason}. Correct this, or name another CEDRINA_DATA_DIR.", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("Everything ended; the data is kept.", flush=True)
    return 0


def _start(everything: contextlib.ExitStack, *, data: Path) -> None:
    steps.demand_development()
    host, port = steps.demand_free_port()
    data.mkdir(parents=True, exist_ok=True)
    given = bool(os.environ.get("DATABASE_URL"))
    _say("PostgreSQL: DATABASE_URL" if given else f"PostgreSQL: embedded, data in {data / 'postgres'}")
    keeper = everything.enter_context(servers(redis=False, data=data / "postgres"))
    os.environ.update(keeper.addresses)
    if not given:
        development_data.remember_database(os.environ["DATABASE_URL"], directory=data)
        everything.callback(development_data.forget_database, directory=data)
    steps.ensure_secrets(data=data)
    os.environ.setdefault("METRICS_DIR", str(data / "figures"))
    # Nobody reads this machine's mail, and the printed calls should work at once.
    os.environ.setdefault("EMAIL_CONFIRMATION", "optional")
    # /dev/mail shows what was sent.
    os.environ.setdefault("EMAIL_URL", f"filemail://{quote(str(data / 'mail'))}")
    supervisor = DevelopmentSupervisor()
    everything.callback(supervisor.stop)
    # With a schema that is current, the server loads while migrations and administrator are looked at: both take a
    # second or two of one core.
    is_current = not given and steps.is_schema_current(data=data)
    if is_current:
        _start_server(supervisor)
    _say("Schema and administrator")
    password = steps.prepare(data=data)
    if not is_current:
        _start_server(supervisor)
    # The server has the same default. Passkeys work at `localhost` and at no IP address.
    address = (os.environ.get("PUBLIC_URL") or default_public_url(host, port)).rstrip("/")
    _wait_until_ready(host, port, supervisor)
    # Last: it would take the processor that the server needs to become ready.
    _say("Worker")
    supervisor.start("worker", [sys.executable, "manage.py", "run_worker"], comes_back=True)
    print(welcome.text(address=address, administrator=steps.ADMINISTRATOR, password=password), flush=True)
    _watch(supervisor, keeper)


def _start_server(supervisor: DevelopmentSupervisor) -> None:
    _say("Server")
    supervisor.start("server", [sys.executable, "-m", "cedrina.serving"])


def _wait_until_ready(host: str, port: int, supervisor: DevelopmentSupervisor) -> None:
    deadline = time.monotonic() + READY_SECONDS
    while time.monotonic() < deadline:
        supervisor.look()
        with contextlib.suppress(OSError, http.client.HTTPException):
            connection = http.client.HTTPConnection(welcome.reachable(host), port, timeout=5)
            connection.request("GET", "/readyz")
            if connection.getresponse().status != HTTPStatus.SERVICE_UNAVAILABLE:
                return
        time.sleep(0.1)
    raise StepFailed(f"The server did not become ready within {READY_SECONDS} s; its last words stand above.")


def _watch(supervisor: DevelopmentSupervisor, keeper: ServerSession) -> None:
    while True:
        supervisor.look()
        if keeper.process is not None and keeper.process.poll() is not None:
            raise StepFailed("PostgreSQL ended, so nothing can go on. Start again with make run.")
        time.sleep(LOOK_SECONDS)


def _interrupt(_signum: int, _frame: object) -> None:
    raise KeyboardInterrupt


def _ignore_signals_from_now_on() -> None:
    # A second Ctrl-C would leave some of the processes running.
    for signum in processes.FORWARDED:
        signal.signal(signum, signal.SIG_IGN)


def _say(what: str) -> None:
    print(f"- {what}", flush=True)


if __name__ == "__main__":
    sys.exit(main())
