"""Which operating system user a server runs as, and where that user can read."""

import grp
import hashlib
import os
import pwd
import shutil
import stat
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from cedrina.tooling.embedded.errors import EmbeddedServerError

UNPRIVILEGED = ("postgres", "nobody")
EVERYBODY_MAY_PASS = 0o711
STATE = Path("/var/lib/cedrina")


@dataclass(frozen=True)
class RunAs:
    """The user of a server process: the current user, or another one because PostgreSQL refuses to run as root."""

    uid: int
    gid: int
    is_somebody_else: bool

    @property
    def popen_options(self) -> dict[str, Any]:
        """The arguments that make subprocess change to this user."""
        if not self.is_somebody_else:
            return {}
        return {"user": self.uid, "group": self.gid, "extra_groups": []}

    def may_pass(self, directory: Path) -> bool:
        """Return whether this user can enter `directory`, by owner, group and mode of all its parents."""
        if not self.is_somebody_else:
            return True
        return all(self._may_enter(step.stat()) for step in (directory, *directory.parents))

    def _may_enter(self, status: os.stat_result) -> bool:
        if status.st_uid == self.uid:
            return bool(status.st_mode & stat.S_IXUSR)
        if status.st_gid == self.gid:
            return bool(status.st_mode & stat.S_IXGRP)
        return bool(status.st_mode & stat.S_IXOTH)

    def own(self, path: Path) -> None:
        """Make this user the owner of the file or directory."""
        if self.is_somebody_else:
            os.chown(path, self.uid, self.gid)


def postgres_user(data: Path | None = None) -> RunAs:
    """Return the user that runs PostgreSQL: the current user, unless that is root.

    An existing data directory keeps its owner, because PostgreSQL accepts no other.

    Raises: EmbeddedServerError when root finds no unprivileged user.
    """
    if os.geteuid() != 0:
        return RunAs(uid=os.geteuid(), gid=os.getegid(), is_somebody_else=False)
    if data is not None and data.exists() and data.stat().st_uid != 0:
        return RunAs(uid=data.stat().st_uid, gid=data.stat().st_gid, is_somebody_else=True)
    for name in UNPRIVILEGED:
        try:
            user = pwd.getpwnam(name)
            grp.getgrgid(user.pw_gid)
        except KeyError:
            continue
        return RunAs(uid=user.pw_uid, gid=user.pw_gid, is_somebody_else=True)
    raise EmbeddedServerError(
        f"PostgreSQL refuses to run as root and none of the users {', '.join(UNPRIVILEGED)} exists. "
        "Run this as another user, or set DATABASE_URL."
    )


def kept_directory(wanted: Path, run_as: RunAs) -> Path:
    """Create the data directory and return its path.

    The path is another one when PostgreSQL's user cannot enter ``wanted``, as in a checkout in root's home.
    """
    wanted.mkdir(parents=True, exist_ok=True)
    wanted = wanted.resolve()
    if run_as.is_somebody_else and wanted.stat().st_uid == os.geteuid():
        wanted.chmod(EVERYBODY_MAY_PASS)
    if run_as.may_pass(wanted):
        return wanted
    digest = hashlib.sha256(os.fsencode(wanted)).hexdigest()[:16]
    elsewhere = STATE / digest
    elsewhere.mkdir(parents=True, exist_ok=True)
    for directory in (STATE, elsewhere):
        directory.chmod(EVERYBODY_MAY_PASS)
    return elsewhere


def temporary_directory(run_as: RunAs) -> Path:
    """Create a temporary directory that `run_as` can enter, whatever TMPDIR is.

    Raises: EmbeddedServerError when that user can enter no temporary directory.
    """
    for place in (tempfile.gettempdir(), "/var/tmp", "/tmp"):  # noqa: S108 - mkdtemp below makes the private part
        if Path(place).is_dir() and run_as.may_pass(Path(place).resolve()):
            directory = Path(tempfile.mkdtemp(prefix="cedrina-", dir=place)).resolve()
            if run_as.is_somebody_else:
                directory.chmod(EVERYBODY_MAY_PASS)
            return directory
    raise EmbeddedServerError("No temporary directory can be reached by PostgreSQL's user. Set TMPDIR to one that can.")


def remove_tree(path: Path) -> None:
    """Delete a directory tree. A missing directory is no error."""
    shutil.rmtree(path, ignore_errors=True)
