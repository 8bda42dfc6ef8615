"""How many connections a worker accepts. An idle one costs memory and a file descriptor, and no thread.

granian stops accepting at its ``backpressure``, which counts connections, idle ones too: the next client waits in the
kernel, without an answer, until another one leaves. So that number is as large as the process can hold. How many
requests are under way is limited in ``request_processing.py``.
"""

import resource
from contextlib import suppress

MAX_CONNECTIONS = 25_000
RESERVED_DESCRIPTORS = 256  # listening sockets, databases, Redis, logs


def raise_descriptor_limit(workers: int) -> None:
    """Raise the limit of open files to what the workers need, or to what the system allows (getrlimit(2)).

    Many systems start a process with 1,024. Workers inherit the limit.
    """
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    needed = MAX_CONNECTIONS * workers + RESERVED_DESCRIPTORS
    if hard != resource.RLIM_INFINITY:
        needed = min(needed, hard)
    if soft != resource.RLIM_INFINITY and soft < needed:
        with suppress(ValueError, OSError):  # macOS names no hard limit, and has one
            resource.setrlimit(resource.RLIMIT_NOFILE, (needed, hard))


def max_connections(workers: int) -> int:
    """Return how many connections a worker accepts on one socket.

    A worker may serve the sockets of all others, too: even then there are enough file descriptors.
    """
    soft, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft == resource.RLIM_INFINITY:
        return MAX_CONNECTIONS
    return max(1, min(MAX_CONNECTIONS, (soft - RESERVED_DESCRIPTORS) // workers))
