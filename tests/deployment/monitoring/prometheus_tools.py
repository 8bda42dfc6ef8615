"""Prometheus, promtool and amtool: those of this machine, or unpacked from packages."""

import shutil
import subprocess

from tests import debian_packages
from tests.served import ROOT

PACKAGES = ["prometheus", "prometheus-alertmanager"]
PROMETHEUS = ROOT / "deploy" / "prometheus"
ALERTMANAGER = ROOT / "deploy" / "alertmanager"


def program(name):
    """Return the path of a program; skip the test where there is none."""
    return shutil.which(name) or str(debian_packages.unpack("prometheus", PACKAGES) / "usr" / "bin" / name)


def run(name, *arguments, folder=ROOT):
    """Run a program and return what it printed. It must succeed."""
    command = [program(name), *arguments]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout
