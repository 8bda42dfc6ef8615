"""Unpack packages of Debian, once, for tests that need a program that may not be installed beside another."""

import fcntl
import os
import shutil
import subprocess

import pytest

from tests.programs.served import ROOT


class NotUnpackedError(Exception):
    """The packages can't be had here; the text says why."""


def unpack(name, packages):
    """Return the folder into which the packages are unpacked; skip the test where apt can't get them."""
    try:
        return unpacked(name, packages)
    except NotUnpackedError as error:
        pytest.skip(str(error))


def unpacked(name, packages):
    """Return the folder into which the packages are unpacked. Raises: NotUnpackedError."""
    folder = ROOT / ".data" / "debian" / name
    folder.parent.mkdir(parents=True, exist_ok=True)
    with folder.with_suffix(".lock").open("a") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if folder.is_dir():
            return folder
        if shutil.which("apt-get") is None or shutil.which("dpkg-deb") is None:
            raise NotUnpackedError(f"{name} is not installed, and can't be unpacked without apt.")
        fresh = folder.with_suffix(".fresh")
        shutil.rmtree(fresh, ignore_errors=True)
        fresh.mkdir()
        _run(["apt-get", "download", *packages], fresh, name)
        for package in fresh.glob("*.deb"):
            _run(["dpkg-deb", "-x", package, "."], fresh, name)
            package.unlink()
        fresh.rename(folder)
    return folder


def libraries(folder):
    """Return the value of LD_LIBRARY_PATH for programs of the folder."""
    return os.pathsep.join(sorted({str(path.parent) for path in folder.rglob("lib*.so*")}))


def _run(command, folder, name):
    try:
        subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=180, check=True)
    except subprocess.CalledProcessError as error:
        raise NotUnpackedError(f"{name} could not be unpacked: {error.stderr[-300:]}") from None
    except subprocess.TimeoutExpired as error:
        raise NotUnpackedError(f"{name} could not be unpacked: {error}") from None
