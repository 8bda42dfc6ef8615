"""Child processes that end with the process that started them."""

import contextlib
import ctypes
import signal
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator

PR_SET_PDEATHSIG = 1
FORWARDED = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGQUIT)


def ends_with_parent(signum: int) -> Callable[[], None]:
    """Return a ``preexec_fn`` by which the kernel sends the child `signum` when its parent dies.

    Only Linux can do this; elsewhere the keeper's pipe alone ends the servers. It must run after the child has changed
    its user, because the kernel resets the signal then: subprocess calls ``preexec_fn`` last.
    """
    libc = ctypes.CDLL(None) if sys.platform == "linux" else None

    def before_exec() -> None:
        signal.pthread_sigmask(signal.SIG_UNBLOCK, FORWARDED)
        if libc is not None:
            libc.prctl(PR_SET_PDEATHSIG, signum)

    return before_exec


@contextlib.contextmanager
def signals_held() -> Iterator[None]:
    """Block signals while a process is started, so that each is forwarded to it."""
    signal.pthread_sigmask(signal.SIG_BLOCK, FORWARDED)
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_UNBLOCK, FORWARDED)


def stop(process: subprocess.Popen[bytes], *, with_signal: int, patience: float) -> None:
    """Stop a process by `with_signal`, and by SIGKILL after `patience` seconds."""
    if process.poll() is not None:
        return
    with contextlib.suppress(ProcessLookupError):
        process.send_signal(with_signal)
    try:
        process.wait(patience)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


def free_port() -> int:
    """Return a loopback port that is free now. Another process may take it before the caller does: callers retry."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port
