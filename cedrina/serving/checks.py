"""The checks before a server serves: of the apps' settings, of the database role, and of the code."""

import subprocess
import sys
from collections.abc import Callable, Mapping


def run_checks(*, while_they_run: Callable[[], None] = lambda: None) -> None:
    """Run the checks of all apps and write their warnings. Loading the code takes as long, so do both at once.

    Raises: SystemExit with the messages of the checks; whatever `while_they_run` raises when they have passed.
    """
    checks = start_checks()
    try:
        try:
            while_they_run()
        finally:
            end_checks(checks)
    except BaseException:
        checks.kill()
        raise


def start_checks() -> "subprocess.Popen[str]":
    """Start a process that runs the system checks of all apps. It ends with all that they load."""
    return subprocess.Popen(
        [sys.executable, "-m", "django", "check_before_serving"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def end_checks(checks: "subprocess.Popen[str]") -> None:
    """Wait for the checks and write their warnings.

    Raises: SystemExit with the messages of the checks.
    """
    output, errors = checks.communicate()
    if checks.returncode:
        sys.exit(f"Cedrina does not start:\n{(errors or output).strip()}")
    sys.stderr.write(errors)


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
