"""The code of the former release, and what this one changes in the database."""

import compileall
import fcntl
import shutil
import subprocess
import tarfile
from importlib.util import cache_from_source
from io import BytesIO
from pathlib import Path

import pytest

from tests.programs.served import ROOT

# What an installation runs that is upgraded to this code: the newest commit of the release before.
FORMER = "bad129710297785c89be30cc3185de61c7782c37"


def git(*arguments):
    done = subprocess.run(["git", *arguments], cwd=ROOT, capture_output=True, check=False)
    if done.returncode and shutil.which("git") and (ROOT / ".git").exists():
        raise AssertionError(done.stderr.decode())
    if done.returncode:
        pytest.skip("This is no checkout: the code of the former release is not here.")
    return done.stdout


def present_files():
    """Return the names of the files of this checkout, also of those that nobody has committed yet."""
    return git("ls-files", "--cached", "--others", "--exclude-standard").decode().splitlines()


def extract_former(folder):
    """Write the files of the former release into a folder, compiled.

    They are kept, since each process of a folder that is not compiled compiles hundreds of modules.
    """
    kept = ROOT / ".data" / "releases" / FORMER
    kept.parent.mkdir(parents=True, exist_ok=True)
    with kept.with_suffix(".lock").open("a") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not kept.is_dir():
            fresh = kept.with_suffix(".fresh")
            shutil.rmtree(fresh, ignore_errors=True)
            with tarfile.open(fileobj=BytesIO(git("archive", FORMER))) as archive:
                archive.extractall(fresh, filter="data")
            for package in fresh.glob("*/"):
                if package.name not in ("tests", "benchmarks"):
                    compileall.compile_dir(package, quiet=1)
            fresh.rename(kept)
    shutil.copytree(kept, folder)


def install_present(folder):
    """Lay the files of this checkout, and what Python has compiled of them, over those in a folder."""
    for name in present_files():
        source = ROOT / name
        sources = [source, Path(cache_from_source(source))] if source.suffix == ".py" else [source]
        for each in filter(Path.is_file, sources):
            target = folder / each.relative_to(ROOT)
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(each, target)  # with its time, by which Python knows what it has compiled


def new_migrations():
    """Return (app label, name) of the migrations that the former release does not have."""
    former = set(git("ls-tree", "-r", "--name-only", FORMER).decode().splitlines())
    present = {name for name in present_files() if "/migrations/0" in name and (ROOT / name).is_file()}
    new = sorted(present - former)
    return [(path.split("/migrations/")[0].rpartition("/")[2], path.rpartition("/")[2][:-3]) for path in new]
