"""The wheel, built once a run."""

import fcntl
import os
import subprocess
import sys
import zipfile

import pytest

from tests.architecture.source import ROOT


@pytest.fixture(scope="session")
def installed(tmp_path_factory):
    """Return a directory with the unpacked wheel. Its requirements are those of this environment."""
    base = tmp_path_factory.getbasetemp()
    # The directories of a run's workers stand side by side.
    shared = base.parent if "PYTEST_XDIST_WORKER" in os.environ else base
    site = shared / "installed-wheel"
    with (shared / "installed-wheel.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not site.exists():
            unpacked = tmp_path_factory.mktemp("site")
            _build(tmp_path_factory.mktemp("wheel"), unpacked)
            unpacked.rename(site)
    return site


def _build(folder, site):
    build = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(folder)]
    subprocess.run(build, cwd=ROOT, capture_output=True, check=True)
    (wheel,) = folder.glob("*.whl")
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(site)
