"""Give each living process of an installation a number of its own, which the next process takes over.

prometheus-client keeps the figures of a process in files that bear its name. Named by process ids, the files of dead
processes would stay for ever. A number is a byte of one file that its process has locked (fcntl(2), POSIX locks). The
kernel frees it when the process ends, after SIGKILL too, and the next process goes on counting in the same files. Locks
are not inherited by a fork.
"""

import fcntl
import os
from collections.abc import Iterable
from pathlib import Path

MOST_PROCESSES = 1024
LOCK_FILE = "processes.lock"


class TooManyProcesses(Exception):
    """All numbers are taken."""


class ProcessNumbers:
    """The numbers of one folder. Only one object of a process may exist for a folder.

    POSIX locks belong to a process: closing any descriptor of the file would free the number.
    """

    def __init__(self, folder: Path) -> None:
        """Open the file of numbers.

        Raises: OSError.
        """
        self._descriptor = os.open(folder / LOCK_FILE, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        self._own: int | None = None
        os.register_at_fork(after_in_child=self._forget)

    @property
    def own(self) -> int | None:
        """The number of this process; ``None`` before it has one."""
        return self._own

    def is_first(self) -> bool:
        """Claim number 0 and return True if no process has a number; otherwise claim nothing and return False.

        In between no other process can claim one.
        """
        try:
            fcntl.lockf(self._descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            return False
        self._own = 0
        return True

    def let_others_in(self) -> None:
        """Let other processes claim numbers, after ``is_first`` has returned True."""
        fcntl.lockf(self._descriptor, fcntl.LOCK_UN, 0, 1)

    def claim(self) -> int:
        """Return the number of this process. It is claimed at the first call.

        Raises: TooManyProcesses.
        """
        if self._own is None:
            self._own = next((number for number in range(MOST_PROCESSES) if self._try_lock(number)), None)
        if self._own is None:
            raise TooManyProcesses
        return self._own

    def living(self, numbers: Iterable[int]) -> set[int]:
        """Return which of these numbers have a living process."""
        return {number for number in numbers if number == self._own or not self._is_free(number)}

    def _is_free(self, number: int) -> bool:
        if not self._try_lock(number):
            return False
        fcntl.lockf(self._descriptor, fcntl.LOCK_UN, 1, number)
        return True

    def _try_lock(self, number: int) -> bool:
        try:
            fcntl.lockf(self._descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB, 1, number)
        except OSError:
            return False
        return True

    def _forget(self) -> None:
        self._own = None
