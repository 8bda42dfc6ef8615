"""The folder in which all processes of an installation keep their figures, on one machine.

HTTP workers, the server of WebSockets and the background worker use the same one, named by METRICS_DIR; a server
without that setting has a folder of its own, which nobody else sees. The first process of an installation empties it.
"""

import errno
import os
import re
import shutil
import stat
import tempfile
from contextlib import suppress
from pathlib import Path

from cedrina.monitoring.process_numbers import ProcessNumbers

# The kernel ends a process that writes into a mapped file for which there is no room (SIGBUS). So the room is taken
# before the file is mapped. It suffices for the most sets of labels that measures keep.
_FILE_BYTES = {"counter": 1 << 19, "histogram": 1 << 19, "gauge_livesum": 1 << 16}
_NAME = re.compile(r"(?:counter|histogram|gauge_livesum)_(\d+)\.db")
_LIVE = "gauge_live"


class FiguresFolder:
    """A folder with the files of figures, and the number of this process in it."""

    def __init__(self, path: Path) -> None:
        """Make the folder, unless it exists; nobody else may read it.

        Raises: OSError, PermissionError if it is somebody else's.
        """
        path.mkdir(mode=0o700, parents=True, exist_ok=True)
        found = path.lstat()
        if not stat.S_ISDIR(found.st_mode) or found.st_uid != os.geteuid():
            raise PermissionError(errno.EPERM, "is no folder of this user", str(path))
        self.path = path
        self.numbers = ProcessNumbers(path)
        self._number: int | None = None
        os.register_at_fork(after_in_child=self._forget)

    def begin(self) -> None:
        """Take a number. Remove the files of an earlier run if no other process of the installation lives.

        Raises: OSError, TooManyProcesses.
        """
        if self.numbers.is_first():
            for file in self._files():
                file.unlink()
            self.numbers.let_others_in()

    def own_number(self) -> int:
        """Return the number of this process, and take the room for its files when it claims it.

        The gauges of the process that had the number before are removed: they say what lives in a process.

        Raises: OSError if there is no room, TooManyProcesses.
        """
        if self._number is not None:  # asked for at each change of a figure
            return self._number
        number = self.numbers.claim()
        for kind, size in _FILE_BYTES.items():
            file = self.path / f"{kind}_{number}.db"
            if kind.startswith(_LIVE):
                file.unlink(missing_ok=True)
            if not file.exists():
                _make(file, size)
        self._number = number
        return number

    def readable(self) -> list[str]:
        """Return the files whose figures count: gauges only of processes that live."""
        files = self._files()
        living = self.numbers.living({_number(file) for file in files})
        return [str(file) for file in files if not file.name.startswith(_LIVE) or _number(file) in living]

    def _forget(self) -> None:
        self._number = None

    def _files(self) -> list[Path]:
        return [file for file in self.path.iterdir() if _NAME.fullmatch(file.name)]


def temporary() -> Path:
    """Return the folder of one server alone. A program that replaces this one, in the same process, has the same."""
    return Path(tempfile.gettempdir()) / f"cedrina-figures-{os.getpid()}"


def remove(path: Path) -> None:
    """Remove a folder of one server."""
    shutil.rmtree(path, ignore_errors=True)


def _number(file: Path) -> int:
    found = _NAME.fullmatch(file.name)
    return int(found[1]) if found else -1


def _make(file: Path, size: int) -> None:
    descriptor = os.open(file, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
    try:
        if hasattr(os, "posix_fallocate"):
            os.posix_fallocate(descriptor, 0, size)
        else:
            os.write(descriptor, bytes(size))
    except OSError:
        with suppress(OSError):
            file.unlink()
        raise
    finally:
        os.close(descriptor)
