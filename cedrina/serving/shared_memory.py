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
            self.descriptor = _create_file(size)
        self.content = mmap.mmap(self.descriptor, size)


def _create_file(size: int) -> int:
    if sys.platform == "linux":
        descriptor = os.memfd_create("cedrina")
    else:
        with tempfile.TemporaryFile() as file:
            descriptor = os.dup(file.fileno())
    os.ftruncate(descriptor, size)
    return descriptor
