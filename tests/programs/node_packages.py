"""Install what a package-lock.json names, once, for tests that use libraries of Node.js."""

import fcntl
import shutil
import subprocess

import pytest

from tests.programs.served import ROOT


def install(folder):
    """Run `npm ci` in a folder; concurrent callers wait. Without Node.js, or a registry, the test is skipped."""
    if shutil.which("node") is None or shutil.which("npm") is None:
        pytest.skip("Node.js is not installed: its libraries can't be tried.")
    lock_file = ROOT / ".data" / f"{folder.name}.lock"
    lock_file.parent.mkdir(exist_ok=True)
    with lock_file.open("a") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        installed, wanted = folder / "node_modules" / ".package-lock.json", folder / "package-lock.json"
        if installed.is_file() and installed.stat().st_mtime >= wanted.stat().st_mtime:
            return
        command = ["npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund"]
        done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
        if done.returncode:
            pytest.skip(f"npm could not install what {folder.name} needs: " + done.stderr[-300:])
