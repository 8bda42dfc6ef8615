"""Prometheus, promtool and amtool: those of this machine, or unpacked from packages."""

import os
import shutil
import subprocess
import time
from pathlib import Path

import httpx
import yaml

from tests.programs import debian_packages
from tests.programs.ports import free_port
from tests.programs.served import ROOT

SECONDS = 60
PACKAGES = ["prometheus", "prometheus-alertmanager"]
PROMETHEUS = ROOT / "deploy" / "prometheus"
ALERTMANAGER = ROOT / "deploy" / "alertmanager"


def program(name):
    """Return the path of a program; skip the test where there is none."""
    return shutil.which(name) or str(debian_packages.unpack("prometheus", PACKAGES) / "usr" / "bin" / name)


def run(name, *arguments, folder=ROOT):
    """Run a program and return what it printed. It must succeed."""
    command = [program(name), *arguments]
    # The heap of promtool may grow ninefold before it is collected: 6.7 s of CPU for all alerts instead of 8.0 s.
    environment = {**os.environ, "GOGC": "800"}
    done = subprocess.run(
        command, cwd=folder, env=environment, capture_output=True, text=True, timeout=120, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


class Prometheus:
    """Prometheus with the shipped rules, which scrapes one server each second."""

    def __init__(self, folder: Path, target: str):
        config = yaml.safe_load((PROMETHEUS / "prometheus.yml").read_text())
        config["global"] = {"scrape_interval": "1s", "evaluation_interval": "1s"}
        config["rule_files"] = [str(PROMETHEUS / "rules" / "*.yml")]
        config["scrape_configs"][0]["static_configs"][0]["targets"] = [target]
        del config["alerting"]
        (folder / "prometheus.yml").write_text(yaml.safe_dump(config))
        self.url = f"http://127.0.0.1:{free_port()}"
        self.process = subprocess.Popen(
            [
                program("prometheus"),
                f"--config.file={folder / 'prometheus.yml'}",
                f"--storage.tsdb.path={folder / 'data'}",
                f"--web.listen-address={self.url.removeprefix('http://')}",
                "--log.level=error",
            ]
        )

    def ask(self, path, **parameters):
        answer = httpx.get(f"{self.url}/api/v1/{path}", params=parameters, timeout=30)
        if answer.status_code == httpx.codes.SERVICE_UNAVAILABLE:
            answer.raise_for_status()  # it listens before it has read its storage
        found = answer.json()
        assert found["status"] == "success", (parameters, found.get("error"))
        return found["data"]

    def query(self, expression):
        return self.ask("query", query=expression)["result"]

    def until(self, expression):
        deadline = time.monotonic() + SECONDS
        while True:
            try:
                if found := self.query(expression):
                    return found
            except httpx.HTTPError:
                pass
            assert time.monotonic() < deadline, expression
            time.sleep(0.3)

    def stop(self):
        self.process.terminate()
        self.process.wait(timeout=30)
