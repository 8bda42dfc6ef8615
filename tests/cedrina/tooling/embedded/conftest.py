import contextlib
import fcntl
import json
import os
import signal
import subprocess
import sys
import termios
from pathlib import Path

import pytest

from cedrina.tooling.embedded import accounts

ROOT = Path(__file__).resolve().parents[4]
SHOW_AND_WAIT = """
import json, os, sys
print(json.dumps({name: os.environ.get(name) for name in ("DATABASE_URL", "REDIS_URL")}), flush=True)
sys.stdin.read()
"""


class Wrapper:
    """`python -m cedrina.tooling.embedded run` around a command, watched from outside."""

    def __init__(self, *arguments, temporary, environment=None, stdin=subprocess.PIPE, controlling=False):
        clean = {k: v for k, v in os.environ.items() if k not in {"DATABASE_URL", "REDIS_URL"}}
        self.process = subprocess.Popen(
            [sys.executable, "-m", "cedrina.tooling.embedded", "run", *arguments],
            cwd=ROOT,
            env={**clean, "TMPDIR": str(temporary), **(environment or {})},
            stdin=stdin,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            start_new_session=True,
            # A terminal becomes the controlling one of a new session when the session's leader says so.
            preexec_fn=(lambda: fcntl.ioctl(0, termios.TIOCSCTTY, 0)) if controlling else None,
            text=True,
        )

    def __enter__(self):
        return self

    def __exit__(self, *_):
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
        if not self.process.stdout.closed:
            self.end()

    def line(self):
        return self.process.stdout.readline()

    def end(self):
        """Wait until the pipes are closed: then the command and the keeper have both ended."""
        out, err = self.process.communicate(timeout=120)
        return self.process.returncode, out, err


@contextlib.contextmanager
def temporary_place():
    """Give a temporary directory that PostgreSQL's user can reach, which pytest's own is not when root runs it."""
    directory = accounts.temporary_directory(accounts.postgres_user())
    directory.chmod(0o1777)
    yield directory
    accounts.remove_tree(directory)


@pytest.fixture
def place():
    with temporary_place() as directory:
        yield directory


@pytest.fixture(scope="module")
def addresses():
    """Return the addresses of the servers of one run, for tests that leave them as they were."""
    command = [sys.executable, "-c", SHOW_AND_WAIT]
    with temporary_place() as directory, Wrapper("--redis", "--", *command, temporary=directory) as running:
        yield json.loads(running.line())


@pytest.fixture
def wrapper(place):
    with contextlib.ExitStack() as started:
        yield lambda *arguments, **options: started.enter_context(Wrapper(*arguments, temporary=place, **options))


@pytest.fixture
def waiting(wrapper):
    """Start a wrapper around a command that prints its addresses and then waits for its input to end."""

    def start(*arguments, **options):
        return wrapper(*arguments, "--", sys.executable, "-c", SHOW_AND_WAIT, **options)

    return start
