"""Run the image's own processes as they run in production, and sign in to them.

As uid 10001, on a read-only root with /tmp alone to write to, without capabilities: `migrate`, `create_admin`, the
HTTP server, a sign-in, a refresh and the sign-out, a WebSocket, and the worker. DATABASE_URL names an empty database,
and REDIS_URL a Redis that this machine reaches. If OpenTelemetry is in the image, the span of the sign-in has to reach
a collector.

IMAGE (cedrina) and BUILDER as for build.sh. buildah is enough: then the image's files are mounted read-only and entered
by chroot(1), which needs root.
"""

import base64
import contextlib
import json
import os
import re
import secrets
import shutil
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TypeVar

import psycopg
from telemetry_receiver import receiving
from websocket_handshake import first_message

T = TypeVar("T")

UID = "10001"
START_SECONDS = 60
HOST = "id.example.org"
# Mounts are those of the process alone: nothing is left of them when it ends.
ENTER = f"""
mount --make-rprivate / && mount --bind "$ROOT" "$ROOT" && mount -o remount,bind,ro "$ROOT"
mount -t tmpfs -o size=64m,mode=1777 tmpfs "$ROOT/tmp"
mount -t proc proc "$ROOT/proc" && mount --rbind /dev "$ROOT/dev"
cd / && exec /usr/sbin/chroot "$ROOT" setpriv --reuid={UID} --regid={UID} --clear-groups --bounding-set=-all \
    --no-new-privs sh -c 'cd /srv/cedrina && exec "$@"' sh "$@"
"""


def environment(port: int) -> dict[str, str]:
    """Return the settings of production that this server needs."""
    return {
        "PATH": "/opt/cedrina/bin:/usr/local/bin:/usr/bin:/bin",
        "CEDRINA_ENV": "production",
        "DATABASE_URL": os.environ["DATABASE_URL"],
        "REDIS_URL": os.environ["REDIS_URL"],
        "SECRET_KEY": secrets.token_hex(48),
        "FIELD_ENCRYPTION_KEYS": f"first:{base64.b64encode(secrets.token_bytes(32)).decode()}",
        "PUBLIC_URL": f"https://{HOST}",
        "ALLOWED_HOSTS": HOST,
        "EMAIL_URL": "smtp://127.0.0.1",
        "DEFAULT_FROM_EMAIL": f"no-reply@{HOST}",
        "HOST": "127.0.0.1",
        "PORT": str(port),
        "LOG_FORMAT": "json",
        "PYTHONDONTWRITEBYTECODE": "1",
    }


@contextlib.contextmanager
def command_prefix(settings: dict[str, str]) -> Iterator[tuple[list[str], dict[str, str]]]:
    """Give what stands before a command that is run in the image, and its environment."""
    image = os.environ.get("IMAGE", "cedrina")
    builder = os.environ.get("BUILDER") or next(
        name for name in ("docker", "podman", "buildah") if shutil.which(name) and is_running(name)
    )
    if builder != "buildah":
        given = [part for name in settings if name != "PATH" for part in ("--env", name)]
        hardened = ["--read-only", "--tmpfs", "/tmp", "--cap-drop", "ALL", "--security-opt", "no-new-privileges"]
        yield (
            [builder, "run", "--rm", "--network", "host", "--user", UID, *hardened, *given, image],
            {
                **os.environ,
                **settings,
            },
        )
        return
    container = output(["buildah", "from", image])
    try:
        root = output(["buildah", "mount", container])
        yield (
            ["unshare", "--mount", "--pid", "--fork", "--kill-child", "sh", "-euc", ENTER, "sh"],
            {
                **settings,
                "ROOT": root,
            },
        )
    finally:
        output(["buildah", "rm", container])


def is_running(builder: str) -> bool:
    """Return whether a builder can be used: docker is often there without its engine."""
    return builder != "docker" or subprocess.run(["docker", "info"], capture_output=True, check=False).returncode == 0


def output(command: list[str], **options: object) -> str:
    """Run a command; return what it printed."""
    return subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True, **options).stdout.strip()  # type: ignore[call-overload,no-any-return]


def call(
    port: int, method: str, path: str, body: dict[str, str] | None = None, *, token: str = ""
) -> dict[str, object]:
    """Call the API; return the object of the answer. Raises: urllib.error.HTTPError for refusals."""
    headers = {"Host": HOST, "Content-Type": "application/json", "X-Forwarded-Proto": "https"}
    if token:
        headers["Authorization"] = f"Bearer {token}"
    data = json.dumps(body).encode() if body is not None else None
    request = urllib.request.Request(f"http://127.0.0.1:{port}{path}", data=data, method=method, headers=headers)
    with urllib.request.build_opener(urllib.request.ProxyHandler({})).open(request, timeout=30) as answer:
        return json.loads(answer.read() or b"{}")  # type: ignore[no-any-return]


def privileges_of(port: int) -> tuple[set[str], set[str]]:
    """Return the user ids and the effective capabilities of the processes that serve (proc(5))."""
    uids: set[str] = set()
    capabilities: set[str] = set()
    for process in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):
            if (
                f"PORT={port}\0".encode() in (process / "environ").read_bytes()
                and b"cedrina.serving" in (process / "cmdline").read_bytes().rpartition(b"unshare")[2]
            ):
                status = (process / "status").read_text()
                if (process / "exe").readlink().name.startswith("python"):
                    uids.update(re.search(r"^Uid:\s+(.*)$", status, re.MULTILINE)[1].split())  # type: ignore[index]
                    capabilities.add(re.search(r"^CapEff:\s+(.*)$", status, re.MULTILINE)[1])  # type: ignore[index]
    return uids, capabilities


def free_port() -> int:
    """Return a port of loopback that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@contextlib.contextmanager
def started(command: list[str], given: dict[str, str]) -> "Iterator[subprocess.Popen[bytes]]":
    """Run a process in the image within a ``with`` block."""
    process = subprocess.Popen(command, env=given, start_new_session=True)
    try:
        yield process
    finally:
        os.killpg(process.pid, signal.SIGTERM)
        process.wait(30)


def main() -> int:
    """Do all that; print one line for each step. Any exception is a failure."""
    port, sockets_port = free_port(), free_port()
    with receiving() as receiver, command_prefix(environment(port)) as (prefix, given):
        output([*prefix, "python", "manage.py", "migrate", "--no-input", "--verbosity=0"], env=given)
        print("migrated")
        refused = subprocess.run(
            [*prefix, "sh", "-c", "touch /srv/cedrina/written || touch /opt/cedrina/written || touch /etc/written"],
            env=given,
            capture_output=True,
            text=True,
            check=False,
        )
        if refused.returncode == 0 or "Read-only file system" not in refused.stderr:
            raise SystemExit(f"The root can be written to: {refused.stderr}")
        print("the root is read-only")
        created = output(
            [*prefix, "python", "manage.py", "create_admin", "--username", "ada", "--email", f"ada@{HOST}", "--json"],
            env=given,
        )
        password = json.loads(created.splitlines()[-1])["password"]
        has_telemetry = not subprocess.run(
            [*prefix, "python", "-c", "import opentelemetry.sdk"], env=given, stderr=subprocess.DEVNULL, check=False
        ).returncode
        traced = [f"OTEL_EXPORTER_OTLP_ENDPOINT={receiver.url}"] if has_telemetry else []
        serving = [*prefix, "env", *traced, "python", "-m", "cedrina.serving"]
        with started([*serving, "--http"], given) as server:
            sign_in(port, password, server)
        if has_telemetry:
            receiver.expect(b"POST login")
            print("the span of the sign-in reached the collector")
        with started(
            [*prefix, "env", f"PORT={sockets_port}", *serving[len(prefix) + 1 :], "--sockets"], given
        ) as server:
            status = within(START_SECONDS, server, lambda: first_message(sockets_port, HOST, "/ws/health/"))
            print(f"a WebSocket says: {status}")
        with started([*prefix, "python", "manage.py", "run_worker"], given) as worker:
            within(START_SECONDS, worker, is_worker_known)
            print("the worker waits for jobs")
    return 0


def within(seconds: float, process: "subprocess.Popen[bytes]", attempt: Callable[[], T]) -> T:
    """Try until it works, and return what it returned.

    Raises: what the last attempt raised, after ``seconds`` or the end of the process.
    """
    deadline = time.monotonic() + seconds
    while True:
        try:
            return attempt()
        except OSError:
            if process.poll() is not None or time.monotonic() > deadline:
                raise
            time.sleep(0.1)


def is_worker_known() -> None:
    """Return if a worker has written to the database that it is there. Raises: OSError."""
    with psycopg.connect(os.environ["DATABASE_URL"].replace("postgres://", "postgresql://")) as connection:
        if not connection.execute("SELECT FROM procrastinate_workers").fetchall():
            raise OSError("No worker is known to the database.")


def sign_in(port: int, password: str, server: "subprocess.Popen[bytes]") -> None:
    """Sign in, refresh and sign out, as soon as the server answers."""
    within(START_SECONDS, server, lambda: call(port, "GET", "/readyz"))
    uids, capabilities = privileges_of(port)
    if uids != {UID} or capabilities != {"0" * 16}:
        raise SystemExit(f"The server runs as {uids}, with the capabilities {capabilities}.")
    print(f"serves as uid {UID} without capabilities")
    signed_in = call(port, "POST", "/api/v1/auth/login", {"username": "ada", "password": password})
    tokens = signed_in["tokens"]
    refreshed = call(port, "POST", "/api/v1/auth/refresh", {"refresh_token": tokens["refresh_token"]})  # type: ignore[index]
    token = str(refreshed["access_token"])
    if call(port, "GET", "/api/v1/auth/me", token=token)["username"] != "ada":
        raise SystemExit("Somebody else was signed in.")
    call(port, "POST", "/api/v1/auth/logout", {}, token=token)
    print("signed in, refreshed, signed out")


if __name__ == "__main__":
    sys.exit(main())
