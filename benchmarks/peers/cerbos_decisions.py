"""Cerbos, as it comes from npm (``@cerbos/cerbos-linux-x64``), asked the same questions over HTTP.

It holds the policies in memory and authenticates nobody, so it does less for each call than a server that verifies an
access token, looks whether the session lives, and counts the call.
"""

import contextlib
import json
import os
import subprocess
import tarfile
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx

from tests.programs.ports import free_port

PACKAGE = "@cerbos/cerbos-linux-x64@0.55.0"
START_SECONDS = 60
LARGEST_BATCH = 50  # of its own default
POLICY = """apiVersion: api.cerbos.dev/v1
resourcePolicy:
  version: default
  resource: documents{number}
  rules:
    - actions: ["read"]
      effect: EFFECT_ALLOW
      roles: ["user"]
      condition:
        match:
          expr: P.id == "{person}"
"""


class Cerbos:
    """A running server; ``cpu_seconds`` is what it has used."""

    def __init__(self, process: subprocess.Popen[bytes], url: str) -> None:
        self._process, self.url = process, url

    def cpu_seconds(self) -> float:
        """Return the CPU time of the process (proc(5))."""
        fields = Path(f"/proc/{self._process.pid}/stat").read_text(encoding="ascii").rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


@contextlib.contextmanager
def serving(*, policies: int, people: list[str]) -> Iterator[Cerbos]:
    """Give a server with some policies, each about one of the people."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        command = ["npm", "pack", "--silent", PACKAGE]
        packed = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=True)
        with tarfile.open(folder / packed.stdout.strip().splitlines()[-1]) as archive:
            archive.extractall(folder, filter="data")
        (folder / "policies").mkdir()
        for number in range(policies):
            text = POLICY.format(number=number, person=people[number % len(people)])
            (folder / "policies" / f"{number}.yaml").write_text(text, encoding="utf-8")
        port = free_port()
        binary = folder / "package" / "cerbos-linux-x64"
        binary.chmod(0o700)
        settings = [
            f"server.httpListenAddr=127.0.0.1:{port}",
            f"server.grpcListenAddr=127.0.0.1:{free_port()}",
            "storage.driver=disk",
            f"storage.disk.directory={folder / 'policies'}",
            "telemetry.disabled=true",
        ]
        process = subprocess.Popen(
            [str(binary), "server", "--log-level=error", *(f"--set={each}" for each in settings)],
            env={**os.environ, "GOMAXPROCS": "1", "CERBOS_NO_TELEMETRY": "1"},
        )
        try:
            server = Cerbos(process, f"http://127.0.0.1:{port}")
            _wait(server.url)
            yield server
        finally:
            process.kill()
            process.wait()


def body(person: str, numbers: list[int]) -> bytes:
    """Return the questions whether a person may read some documents."""
    resources: list[dict[str, Any]] = [
        {"actions": ["read"], "resource": {"kind": f"documents{number}", "id": "1", "attr": {"owner": "somebody"}}}
        for number in numbers
    ]
    return json.dumps({"principal": {"id": person, "roles": ["user"]}, "resources": resources}).encode()


def _wait(url: str) -> None:
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline:
        with contextlib.suppress(httpx.TransportError):
            if httpx.get(f"{url}/_cerbos/health", timeout=5).status_code == httpx.codes.OK:
                return
        time.sleep(0.1)
    raise TimeoutError("Cerbos did not answer.")
