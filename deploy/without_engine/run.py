#!/usr/bin/env python3
"""Start the services of docker-compose.yml without a container engine, from the same files, until Ctrl-C.

For tests, for rehearsals, and to look at the whole installation on one machine. It isolates nothing: all services are
processes of this machine, each with a loopback address of its own. Grafana is left out. What ends is started again, as
`restart: unless-stopped` says.

    run.py --settings FOLDER --state FOLDER

The first folder has .env and cedrina.env, as docs/production.md makes them; the second gets data, secrets and logs, and
services.json: the address of each service, and the process of each that runs.
"""

import argparse
import json
import os
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path
from typing import BinaryIO

sys.path[:0] = [str(Path(__file__).resolve().parent), str(Path(__file__).resolve().parents[2])]

from services import LEFT_OUT, PORTS, ROOT, Installation, Service  # noqa: E402

from cedrina.tooling.embedded import accounts, processes  # noqa: E402

READY_SECONDS = 120
RESTART_SECONDS = 0.5
LOOK_SECONDS = 0.1


class Supervisor:
    """Starts services in their order, and again when they end."""

    def __init__(self, services: list[Service], *, state: Path) -> None:
        self.services, self.state = services, state
        self.running: dict[str, subprocess.Popen[bytes]] = {}
        self._not_before: dict[str, float] = {}

    def start_all(self) -> None:
        """Start all services. Raises: RuntimeError when one that others wait for does not answer."""
        for service in self.services:
            for command, environment in service.prepare:
                self._run(command, environment, service)
            for name, condition in service.needs.items():
                if condition == "service_healthy":
                    self._await(next(each for each in self.services if each.name == name))
            if service.runs_once:
                self._run(service.command, service.environment, service)
            else:
                self._start(service)
        for service in self.services:
            self._await(service)

    def look(self) -> None:
        """Start again what has ended."""
        for service in self.services:
            process = self.running.get(service.name)
            if process is None or process.poll() is None:
                continue
            if time.monotonic() >= self._not_before.setdefault(service.name, time.monotonic() + RESTART_SECONDS):
                del self._not_before[service.name]
                self._start(service)

    def stop_all(self) -> None:
        """End all, those first that were started last."""
        for service in reversed(self.services):
            if service.name in self.running:
                processes.stop(self.running[service.name], with_signal=signal.SIGTERM, patience=15)

    def _run(self, command: list[str], environment: dict[str, str], service: Service) -> None:
        with self._log(service) as log:
            done = subprocess.run(
                command,
                cwd=ROOT if service.user is None else self.state,
                env={"PATH": os.environ["PATH"], **environment},
                stdout=log,
                stderr=log,
                check=False,
                **(service.user.popen_options if service.user else {}),
            )
        if done.returncode:
            raise RuntimeError(f"{service.name}: {command[0]} ended with {done.returncode}; see {log.name}")

    def _start(self, service: Service) -> None:
        with self._log(service) as log:
            self.running[service.name] = subprocess.Popen(
                service.command,
                cwd=ROOT if service.user is None else self.state,
                env=service.environment,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
                preexec_fn=processes.ends_with_parent(signal.SIGTERM),  # noqa: PLW1509 - this program has no threads
                **(service.user.popen_options if service.user else {}),
            )
        self._write()

    def _log(self, service: Service) -> BinaryIO:
        return (self.state / "logs" / f"{service.name}.log").open("ab")

    def _await(self, service: Service) -> None:
        if service.name not in PORTS:
            return
        deadline = time.monotonic() + READY_SECONDS
        while True:
            try:
                socket.create_connection((service.address, PORTS[service.name]), timeout=2).close()
            except OSError:
                if time.monotonic() > deadline:
                    raise RuntimeError(f"{service.name} does not answer; see its log in {self.state}/logs") from None
                self.look()
                time.sleep(LOOK_SECONDS)
            else:
                return

    def _write(self) -> None:
        """Say what runs, in one step: a reader never sees half of it."""
        shown = {
            each.name: {"address": each.address, "pid": process.pid}
            for each in self.services
            if (process := self.running.get(each.name)) is not None
        }
        fresh = self.state / "services.json.fresh"
        fresh.write_text(json.dumps(shown), encoding="utf-8")
        fresh.replace(self.state / "services.json")


def main() -> int:
    """Start everything, say where, and go on until a signal comes."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n\n")[0])
    parser.add_argument("--settings", type=Path, required=True)
    parser.add_argument("--state", type=Path, required=True)
    options = parser.parse_args()
    run_as = accounts.postgres_user()
    state = accounts.kept_directory(options.state, run_as)
    for name in ("logs", "tmp"):
        (state / name).mkdir(exist_ok=True)
        (state / name).chmod(0o1777)
    installation = Installation(settings=options.settings.resolve(), state=state, run_as=run_as)
    supervisor = Supervisor(installation.services(), state=state)
    is_ending = False

    def end(_signal: int, _frame: object) -> None:
        nonlocal is_ending
        is_ending = True

    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, end)
    try:
        supervisor.start_all()
        for name, reason in LEFT_OUT.items():
            print(f"{name} is left out: {reason}.")
        front = next(each.address for each in supervisor.services if each.name == "nginx")
        print(f"ready: https://{front}:{PORTS['nginx']}", flush=True)
        while not is_ending:
            supervisor.look()
            time.sleep(LOOK_SECONDS)
    finally:
        supervisor.stop_all()
    return 0


if __name__ == "__main__":
    sys.exit(main())
