"""`make run` as a person uses it: start, try the lines it prints, Ctrl-C, start again."""

import json
import os
import re
import shutil
import signal
import stat
import subprocess
import sys
from contextlib import contextmanager
from pathlib import Path

import pytest

from cedrina.tooling.embedded import accounts
from tests.programs.ports import free_port

ROOT = Path(__file__).resolve().parents[4]
SETTINGS = {"DATABASE_URL", "REDIS_URL", "DJANGO_SETTINGS_MODULE", "EMAIL_CONFIRMATION", "HOST", "PORT"}
pytestmark = [
    pytest.mark.process,
    pytest.mark.skipif(shutil.which("curl") is None, reason="the lines to try need curl"),
]


class Run:
    def __init__(self, *, data, port):
        clean = {name: value for name, value in os.environ.items() if name not in SETTINGS}
        self.process = subprocess.Popen(
            [sys.executable, "-m", "cedrina.tooling.development"],
            cwd=ROOT,
            env={**clean, "CEDRINA_DATA_DIR": str(data), "PORT": str(port)},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            start_new_session=True,
            text=True,
        )
        self.seen = ""

    def until(self, *words):
        """Read until a line was read for each of the words, in any order; what else there was stands in the failure."""
        missing = {each for each in words if each not in self.seen}
        while missing:
            line = self.process.stdout.readline()
            assert line, (missing, self.seen)
            self.seen += line
            missing = {each for each in missing if each not in line}
        return self.seen

    def end(self, signum=signal.SIGINT):
        """Send the signal and wait until no process of the run holds the pipe any more."""
        self.process.send_signal(signum)
        rest, _ = self.process.communicate(timeout=120)
        return self.process.returncode, rest


@contextmanager
def starting():
    """Give a function that starts a run on data of its own; end what it started."""
    data = accounts.temporary_directory(accounts.postgres_user())
    port = free_port()
    started = []

    def begin(**options):
        started.append(Run(**{"data": data, "port": port, **options}))
        return started[-1]

    begin.data, begin.running = data, None
    try:
        yield begin
    finally:
        for each in started:
            if not each.process.stdout.closed:
                each.end(signal.SIGTERM)
        accounts.remove_tree(data)


@pytest.fixture(scope="module")
def start():
    """Start runs on the same data: to make and migrate a database takes most of the time."""
    with starting() as begin:
        yield begin


@pytest.fixture
def running(start):
    """Return the run of this module, with all that it printed until it was ready."""
    if start.running is None or start.running.process.poll() is not None:
        start.running = start()
        start.running.text = start.running.until("Authorization: Bearer")
    return start.running


def shell(script):
    return subprocess.run(["sh", "-c", script], capture_output=True, text=True, check=True, timeout=60).stdout


def manage(*arguments, data):
    """Run a command as in another terminal, which knows the directory of the data only; return its code and stderr."""
    clean = {name: value for name, value in os.environ.items() if name not in SETTINGS}
    done = subprocess.run(
        [sys.executable, "manage.py", *arguments],
        cwd=ROOT,
        env={**clean, "CEDRINA_DATA_DIR": str(data)},
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    return done.returncode, done.stderr


def lines_to_try(text):
    """The shell commands under "Try it", each with its continuation."""
    block = text.split("Try it:", 1)[1].replace("\\\n", " ")
    return [line.strip() for line in block.splitlines() if "curl" in line]


class TestRun:
    def test_prints_lines_that_work(self, running, start):
        register, sign_in, me = lines_to_try(running.text)
        assert json.loads(shell(register))["user"]["username"] == "ada"
        assert json.loads(shell(f"{sign_in}\n{me}"))["email"] == "ada@example.org"
        assert manage("unlock_account", "ada", data=start.data) == (0, "")
        # The worker's line may come before those of the server.
        lines = running.until(
            "mail  ada@example.org  ", "POST   /api/v1/auth/register  201  ", "GET    /api/v1/auth/me  200  "
        )
        assert re.search(
            r"mail  ada@example\.org  Confirm your e-mail address  http://localhost:\d+/account/confirm-", lines
        )

    def test_makes_an_administrator_whose_password_only_we_can_read(self, running):
        address = re.search(r"(http://\S+)/admin/", running.text)[1]
        password = re.search(r"password (\S+)", running.text)[1]
        body = json.dumps({"username": "admin", "password": password})
        answer = shell(f"curl -s {address}/api/v1/auth/login -H 'Content-Type: application/json' -d '{body}'")
        assert json.loads(answer)["user"]["username"] == "admin"
        kept = Path(re.search(r"data in (\S+)/postgres", running.text)[1]) / "admin-password"
        assert stat.S_IMODE(kept.stat().st_mode) == 0o600

    def test_refuses_data_that_another_run_uses_with_a_message(self, running, start):
        second = start(port=free_port())
        assert "Another run uses" in second.until("make run:")
        assert second.process.wait(timeout=60) == 1

    def test_keeps_the_data_for_the_next_start_and_leaves_no_process_behind_when_it_is_killed(self, running, start):
        register, sign_in, me = lines_to_try(running.text.replace("ada", "grace"))
        shell(register)
        assert running.end()[0] == 0
        assert manage("unlock_account", "ada", data=start.data) == (
            1,
            "make run is not running; start it or set DATABASE_URL.\n",
        )

        second = start()
        again = second.until("Authorization: Bearer")
        assert json.loads(shell(f"{sign_in}\n{me}"))["email"] == "grace@example.org"
        password = re.compile(r"administration: admin, password (\S+)")
        assert password.search(again)[1] == password.search(running.text)[1]

        is_killed = sys.platform == "linux"  # elsewhere nothing ends children with their parent
        # Returns only when server, worker and keeper have closed the pipe.
        code, _ = second.end(signal.SIGKILL if is_killed else signal.SIGINT)
        assert code == (-signal.SIGKILL if is_killed else 0)
