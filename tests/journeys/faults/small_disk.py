"""A disk of a test's own that can be full: a tmpfs of a few hundred megabytes, unmounted afterwards."""

import contextlib
import os
import shutil
import subprocess
from pathlib import Path

import pytest


class SmallDisk:
    """A file system at ``folder``. ``fill`` leaves nothing of it, ``make_room`` gives back what that took."""

    def __init__(self, folder):
        self.folder = Path(folder)
        self._filler = self.folder / "filler"

    def fill(self, *, but=0):
        """Take all that is free, except so many bytes."""
        with self._filler.open("ab") as filler:
            free = shutil.disk_usage(self.folder).free - but
            if free > 0:
                os.posix_fallocate(filler.fileno(), filler.tell(), free)

    def make_room(self):
        self._filler.unlink(missing_ok=True)


@contextlib.contextmanager
def small_disk(folder, *, megabytes, user="root"):
    """Mount one at an empty folder; skip the test where that is not allowed."""
    options = f"size={megabytes}m,mode=0755,uid={user}"
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", options, "tmpfs", str(folder)], capture_output=True, text=True, check=False
    )
    if mounted.returncode:
        pytest.skip(f"no file system may be mounted here: {mounted.stderr.strip()}")
    try:
        yield SmallDisk(folder)
    finally:
        # Lazily: what still writes there, writes into nothing.
        subprocess.run(["umount", "--lazy", str(folder)], check=True)
