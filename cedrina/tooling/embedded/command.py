"""Run one command, forward signals to it and return its exit code."""

import os
import signal
import subprocess
from collections.abc import Mapping, Sequence

from cedrina.tooling.embedded import processes
from cedrina.tooling.embedded.errors import EmbeddedServerError

KILLED = 128
LOOK_SECONDS = 1.0


class Interrupted(SystemExit):
    """A signal arrived before the command was started."""


class ForegroundCommand:
    """A command in the foreground. Signals to this process are forwarded to it."""

    def __init__(self) -> None:
        self._process: subprocess.Popen[bytes] | None = None
        for signum in processes.FORWARDED:
            signal.signal(signum, self._receive)

    def run(self, arguments: Sequence[str], *, environment: Mapping[str, str]) -> int:
        """Return the command's exit code, 128 + n when signal n ended it, as a shell does.

        Raises: EmbeddedServerError when it cannot be started.
        """
        try:
            with processes.signals_held():
                self._process = subprocess.Popen(
                    arguments,
                    env={**os.environ, **environment},
                    preexec_fn=processes.ends_with_parent(signal.SIGTERM),
                )
        except OSError as error:
            raise EmbeddedServerError(f"{arguments[0]} cannot be run: {error.strerror}.") from error
        code = _end_of(self._process)
        return code if code >= 0 else KILLED - code

    def _receive(self, signum: int, _frame: object) -> None:
        if self._process is None:
            raise Interrupted(KILLED + signum)
        if signum in {signal.SIGINT, signal.SIGQUIT} and _terminal_sends_it_to_all():
            return
        self._process.send_signal(signum)


def _end_of(process: subprocess.Popen[bytes]) -> int:
    # With a timeout, because a signal just before an endless wait is only looked at when the wait is over.
    while True:
        try:
            return process.wait(LOOK_SECONDS)
        except subprocess.TimeoutExpired:
            continue


def _terminal_sends_it_to_all() -> bool:
    # A key on the terminal reaches the whole foreground group, the command included: twice would be once too often.
    try:
        terminal = os.open("/dev/tty", os.O_RDONLY | os.O_NOCTTY)
    except OSError:
        return False
    try:
        return os.tcgetpgrp(terminal) == os.getpgrp()
    except OSError:
        return False
    finally:
        os.close(terminal)
