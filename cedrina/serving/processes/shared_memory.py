"""Memory that a process shares with the processes that it forks, and with the program that it executes next."""

import mmap
import os
import sys
import tempfile


class SharedMemory:
    """A piece of memory with a file descriptor, which is how a program hands it to the next one (execve(2))."""

    def __init__(self, size: int, *, descriptor: int | None = None) -> None:
        """Create memory of zeros, or map the one of ``descriptor`` if it has this size."""
        if descriptor is not None and os.fstat(descriptor).st_size == size:
            self.descriptor = descriptor
        else:
            self.descriptor = create_file()
            os.ftruncate(self.descriptor, size)
        self.content = mmap.mmap(self.descriptor, size)


def create_file() -> int:
    """Return the descriptor of an empty file without a name: on Linux in memory, since a disk may be read-only."""
    if sys.platform == "linux":
        return os.memfd_create("cedrina")
    with tempfile.TemporaryFile() as file:
        return os.dup(file.fileno())
