"""Call a function in a forked process, so that what it loads ends with that process."""

import os
import sys
from collections.abc import Callable

from django.core.management.base import CommandError

FAILED = 1


def call_in_fork(function: Callable[[], object]) -> None:
    """Call ``function`` in a forked process and wait for its end. What it returns is lost, what it prints is not.

    This process may have neither threads nor connections: a forked one can't use them.

    Raises: SystemExit with exit code 1 when ``function`` raises; its messages were written to standard error.
    """
    sys.stdout.flush()
    sys.stderr.flush()
    pid = os.fork()
    if pid == 0:
        _call_and_exit(function)
    _, status = os.waitpid(pid, 0)
    if status:
        raise SystemExit(FAILED)


def _call_and_exit(function: Callable[[], object]) -> None:
    code = FAILED
    try:
        function()
        code = 0
    except CommandError as error:
        print(error, file=sys.stderr)  # noqa: T201 - as Django writes it
    except BaseException as error:  # noqa: BLE001 - the process ends here after any error
        sys.excepthook(type(error), error, error.__traceback__)
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code)
