"""An installation is upgraded from the former release to this one while people use it: nobody notices.

The former release's code serves on one database, on two machines. The schema is migrated by this one's code; one
machine gets this code in place and SIGHUP, the other one stays as it was; the signing key is rotated, a rate limit
changes, and workers are restarted. All the while people refresh, sign in and ask who they are, on both in turn.
"""

import os
import secrets
import shutil
import signal
import subprocess
import sys
import threading
import time
from contextlib import ExitStack, contextmanager
from pathlib import Path
from types import SimpleNamespace

import httpx
import pytest

from tests import fault_figures
from tests.deployment import releases
from tests.deployment.clusters import wait_until
from tests.journeys.person import Person
from tests.programs import served

pytestmark = pytest.mark.slow
WORKERS = 2
# What a client sees when the worker that computes its answer is killed.
LOST = {"RemoteProtocolError", "ReadError"}
CHANGES = """
from django.core.management import call_command
from django.utils import timezone
from ratelimiting.services import policies
from ratelimiting.types import Author
document = {"name": "upgrade-rehearsal", "limit": 100000, "window": 60, "scope": ["ip"]}
call_command("rotate_signing_key")
policies.create(document=document, author=Author(), reason="rehearsal", now=timezone.now())
"""


class Using:
    """A person who refreshes, asks who they are and sometimes signs in, on one server after the other."""

    def __init__(self, person, servers):
        self.person, self.servers = person, servers
        self.counts, self.faults = {"refresh": 0, "me": 0, "sign_in": 0}, []
        self._end = threading.Event()
        self._thread = threading.Thread(target=self._go_on)

    def _go_on(self):
        turn = 0
        while not self._end.wait(0.1):
            turn += 1
            self.person.move_to(self.servers[turn % len(self.servers)])
            call = "sign_in" if turn % 40 == 0 else ("refresh", "me")[turn % 2]
            try:
                answer = getattr(self.person, call)()
            except httpx.TransportError as error:
                self.faults.append((call, type(error).__name__, str(error)))
                continue
            if answer.status_code == 200:
                self.counts[call] += 1
            else:
                self.faults.append((call, answer.status_code, answer.text))

    def __enter__(self):
        self._thread.start()
        return self

    def __exit__(self, *_):
        self._end.set()
        self._thread.join()
        self.person.close()


def workers_of(server):
    children = Path(f"/proc/{server.process.pid}/task/{server.process.pid}/children").read_text().split()
    return {int(child) for child in children if b"--check" not in command_line(child)}


def command_line(pid):
    """Return what a process was started with; ``--check`` for one that has ended meanwhile, as checks do."""
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes() or b"--check"
    except (FileNotFoundError, ProcessLookupError):
        return b"--check"


def replace_workers(server):
    before = workers_of(server)
    server.process.send_signal(signal.SIGHUP)

    def are_others():
        now = workers_of(server)
        return len(now) == WORKERS and not now & before

    wait_until(are_others, message="the workers were not replaced")


def manage(folder, *arguments, environment):
    done = subprocess.run([sys.executable, "manage.py", *arguments], cwd=folder, env=environment, capture_output=True,
                          text=True, check=False)  # fmt: skip
    assert done.returncode == 0, done.stderr + done.stdout


@pytest.fixture
def installation(tmp_path):
    """Give two machines that run the former release on one database that it has migrated."""
    folders = [tmp_path / "one", tmp_path / "other"]
    releases.extract_former(folders[0])
    with ExitStack() as everything:
        base = os.environ["DATABASE_URL"]
        url = everything.enter_context(empty_database(base))
        settings = {"REDIS_URL": os.environ["REDIS_URL"], "WEB_CONCURRENCY": str(WORKERS), "is_forked": False}
        environment = served.environment(DATABASE_URL=url, REDIS_URL=os.environ["REDIS_URL"])
        manage(folders[0], "migrate", "--no-input", "--verbosity=0", environment=environment)
        shutil.copytree(*folders)  # with what Python has compiled
        servers = [
            everything.enter_context(
                served.serving(database_url=url, flags=("--http",), folder=folder, **settings)
            )
            for folder in folders
        ]  # fmt: skip
        yield SimpleNamespace(folders=folders, servers=servers, environment=environment)


@pytest.fixture
def people(installation):
    everything = [Person(installation.servers[0], number=number) for number in range(3)]
    for person in everything:
        assert person.register().status_code == 201
    return everything


@contextmanager
def empty_database(base):
    """Give the URL of a database without tables, on the server of the tests."""
    name = f"upgraded_{secrets.token_hex(6)}"
    with served.maintenance(base) as connection:
        connection.execute(f"CREATE DATABASE {name}")
    try:
        yield served._with_name(base, name)
    finally:
        with served.maintenance(base) as connection:
            connection.execute(f"DROP DATABASE {name} WITH (FORCE)")


class TestAnUpgrade:
    @pytest.mark.fault
    def test_is_noticed_by_nobody(self, installation, people):
        first, _second = installation.servers
        folder, environment = installation.folders[0], installation.environment
        first_tokens = [dict(person.tokens) for person in people]
        with ExitStack() as loads:
            using = [loads.enter_context(Using(person, installation.servers)) for person in people]

            def everybody_was_served():
                before = [dict(each.counts) for each in using]
                wait_until(
                    lambda: all(
                        each.counts["refresh"] > then["refresh"] + 3 for each, then in zip(using, before, strict=True)
                    )
                )

            everybody_was_served()
            manage(served.ROOT, "migrate", "--no-input", "--verbosity=0", environment=environment)
            everybody_was_served()  # the former code on the new schema
            releases.install_present(folder)
            replace_workers(first)
            everybody_was_served()  # both, side by side
            manage(folder, "shell", "--verbosity=0", "-c", CHANGES, environment=environment)
            everybody_was_served()
            replace_workers(first)
            os.kill(min(workers_of(first)), signal.SIGKILL)
            wait_until(lambda: len(workers_of(first)) == WORKERS)
            everybody_was_served()
            wait_until(lambda: all(each.counts["sign_in"] > 0 for each in using))

        # A worker that is killed loses the answers it was computing; no other answer is missing or wrong.
        lost = [fault for each in using for fault in each.faults if fault[1] in LOST]
        faults = [fault for each in using for fault in each.faults if fault not in lost]
        fault_figures.keep("an upgrade in use", "wrong answers", len(faults), goal=0, unit="")
        assert faults == []
        assert len(lost) <= len(people)
        assert all(first_tokens[number] != person.tokens for number, person in enumerate(people))
