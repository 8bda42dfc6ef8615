"""The code of the former release, and what this one changes in the database."""

import shutil
import subprocess
import tarfile
from io import BytesIO

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


def extract_former(folder):
    """Write the files of the former release into a folder."""
    with tarfile.open(fileobj=BytesIO(git("archive", FORMER))) as archive:
        archive.extractall(folder, filter="data")


def install_present(folder):
    """Lay the files of this checkout over those in a folder, as an upgrade in place does."""
    for name in git("ls-files", "--cached", "--others", "--exclude-standard").decode().splitlines():
        source, target = ROOT / name, folder / name
        if source.is_file():
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(source, target)


def new_migrations():
    """Return (app label, name) of the migrations that the former release does not have."""
    former = set(git("ls-tree", "-r", "--name-only", FORMER).decode().splitlines())
    present = {str(path.relative_to(ROOT)) for path in ROOT.glob("*/**/migrations/0*.py") if ".venv" not in path.parts}
    new = sorted(present - former)
    return [(path.split("/migrations/")[0].rpartition("/")[2], path.rpartition("/")[2][:-3]) for path in new]
