"""Child processes that never outlive the one that started them."""

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
    """Return what a child runs before exec so that the kernel sends it `signum` when its parent dies.

    Only Linux can do this; elsewhere the keeper's pipe is the one net. It has to run after the child has changed
    its user, because the kernel forgets the wish then: subprocess calls `preexec_fn` last.
    """
    libc = ctypes.CDLL(None) if sys.platform == "linux" else None

    def before_exec() -> None:
        signal.pthread_sigmask(signal.SIG_UNBLOCK, FORWARDED)
        if libc is not None:
            libc.prctl(PR_SET_PDEATHSIG, signum)

    return before_exec


@contextlib.contextmanager
def signals_held() -> Iterator[None]:
    """Keep signals waiting while a process is started: one in between would find nobody to go to."""
    signal.pthread_sigmask(signal.SIG_BLOCK, FORWARDED)
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_UNBLOCK, FORWARDED)


def stop(process: subprocess.Popen[bytes], *, with_signal: int, patience: float) -> None:
    """End a process: politely first, by SIGKILL when `patience` seconds were not enough."""
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
    """Return a loopback port that nobody uses now. Another process may still be quicker: callers try again."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port
