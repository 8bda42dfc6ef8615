"""The checks before a server serves: of the apps' settings, of the database role, and of the code."""

import mmap
import sys
from collections.abc import Callable, Mapping

from cedrina.operations.forked_call import call_in_fork


def load_and_check(load: Callable[[], None]) -> None:
    """Load the code, and run the checks of all apps in a fork, which has it already.

    In a program of their own, which had to load the code once more, the checks took half of the CPU of a start. Where
    the code can't be loaded, the checks may say which setting is to blame.

    Raises: SystemExit when the checks refuse something; whatever ``load`` raises when they have passed.
    """
    try:
        load()
    except Exception:
        run_checks()
        raise
    run_checks()


def run_checks() -> None:
    """Run the checks of all apps in a fork of this process, which write their warnings. No connection of theirs stays.

    Raises: SystemExit when they refuse something; their messages were written to standard error.
    """
    call_in_fork(_check)


def _check() -> None:
    import django
    from django.core.management import CommandError, call_command

    from cedrina.database.circuit_breaker import SHARED_BYTES, circuit_breaker

    circuit_breaker.share(mmap.mmap(-1, SHARED_BYTES))  # a database that is down now may be up when workers ask
    django.setup()
    try:
        call_command("check_before_serving", skip_checks=False)
    except CommandError as error:
        raise CommandError(f"Cedrina does not start:\n{error}") from error


def check_code(environment: Mapping[str, str]) -> None:
    """Load the code and run the checks in this process, before a running server is replaced by it (SIGHUP).

    Raises: SystemExit with the messages of the checks; whatever the code raises.
    """
    from django.core.management import CommandError, call_command

    from cedrina.serving.processes.preloading import preload
    from cedrina.serving.processes.reexecution import SupervisorState

    SupervisorState.read(environment)
    preload()
    try:
        call_command("check_before_serving", skip_checks=False)
    except CommandError as error:
        sys.exit(str(error))
