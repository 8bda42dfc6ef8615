"""Workers share what their supervisor has loaded, and nothing else. SIGHUP brings new code by a fresh program."""

import os
import signal
import time
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest

from tests.programs import served

pytestmark = pytest.mark.timeout(400)
WORKERS = 2
DEADLINE_SECONDS = 90
FAULTY_CODE = "import sys\nsys.modules['accounts.urls'] = None\n"


@pytest.fixture(scope="module")
def url():
    with served.database() as url:
        yield url


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("code")


@pytest.fixture
def code(folder):
    """Return a file that each new program executes first."""
    file = folder / "sitecustomize.py"
    yield file
    file.unlink(missing_ok=True)


@pytest.fixture(scope="module")
def said(folder):
    """Return the file with what the server writes to stderr."""
    return folder / "stderr"


@contextmanager
def inherited_stderr(path):
    """Let processes that are started meanwhile write their stderr to a file."""
    kept = os.dup(2)
    with path.open("wb") as file:
        os.dup2(file.fileno(), 2)
    try:
        yield
    finally:
        os.dup2(kept, 2)
        os.close(kept)


@pytest.fixture(scope="module")
def of_module(url, folder):
    settings = {"WEB_CONCURRENCY": str(WORKERS), "PYTHONPATH": str(folder)}
    server = served.Served(database_url=url, flags=("--http",), is_forked=False, **settings)
    yield server
    server.stop()


@pytest.fixture
def server(of_module, said):
    """Return the server of this module, started anew if a test has ended it: a start takes two seconds of CPU."""
    if of_module.process is None or of_module.process.poll() is not None:
        with inherited_stderr(said):
            of_module.start()
    until(lambda: len(workers_of(of_module)) == WORKERS)
    return of_module


def workers_of(server):
    children = Path(f"/proc/{server.process.pid}/task/{server.process.pid}/children")
    return [int(pid) for pid in children.read_text().split()]


def until(condition):
    deadline = time.monotonic() + DEADLINE_SECONDS
    while not (found := condition()):
        assert time.monotonic() < deadline
        time.sleep(0.05)
    return found


def sockets_of(pid):
    """Return the inodes of the sockets that a process has open."""
    links = [str(entry.readlink()) for entry in Path(f"/proc/{pid}/fd").iterdir()]
    return {link[8:-1] for link in links if link.startswith("socket:[")}


def listening_at(port):
    lines = [line.split() for line in Path("/proc/net/tcp").read_text().splitlines()[1:]]
    return {line[9] for line in lines if line[1].endswith(f":{port:04X}") and line[3] == "0A"}


def private_mebibytes(pid):
    lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
    return sum(int(line.split()[1]) for line in lines if line.startswith(("Private_", "Swap:"))) / 1024


def issuer(server):
    """Return a setting that a response shows."""
    return httpx.get(f"{server.url}/.well-known/oauth-authorization-server", timeout=60).json()["issuer"]


def is_replaced(server, before):
    """Return the workers once all are others than before, and nothing while they are not."""
    now = workers_of(server)
    return now if len(now) == WORKERS and not set(now) & set(before) else []


class TestTheSupervisor:
    def test_has_one_thread_and_no_connection(self, server):
        assert httpx.get(f"{server.url}/readyz", timeout=60).status_code == 200
        pid = server.process.pid
        assert len(list(Path(f"/proc/{pid}/task").iterdir())) == 1
        listening = listening_at(server.port)
        assert len(listening) == WORKERS
        # Beside them the pair by which signals wake it.
        assert len(sockets_of(pid) - listening) == 2

    def test_shares_its_memory_with_workers_which_share_no_connection(self, server):
        for _ in range(4 * WORKERS):
            assert httpx.get(f"{server.url}/readyz", timeout=60).status_code == 200
        one, other = workers_of(server)
        inherited = sockets_of(server.process.pid)
        own = sockets_of(one) - inherited
        assert own
        assert not own & (sockets_of(other) - inherited)
        # 85 MiB when each worker loads the code itself.
        assert private_mebibytes(one) < 60


class TestSighup:
    def test_brings_new_code_and_settings_in_the_same_process(self, server, code):
        before = workers_of(server)
        code.write_text("import os\nos.environ['TOKEN_ISSUER'] = 'https://next.example'\n")
        server.process.send_signal(signal.SIGHUP)
        until(lambda: is_replaced(server, before))
        assert issuer(server) == "https://next.example"
        assert server.process.poll() is None

    def test_is_repeatable_and_leaves_workers_that_are_restarted(self, server):
        for _ in range(2):
            before = workers_of(server)
            server.process.send_signal(signal.SIGHUP)
            now = until(lambda before=before: is_replaced(server, before))
        os.kill(now[0], signal.SIGKILL)
        until(lambda: len(workers_of(server)) == WORKERS and now[0] not in workers_of(server))
        server.process.terminate()
        assert server.process.wait(timeout=60) == 0

    def test_with_faulty_code_leaves_the_workers_as_they_are(self, server, code, said):
        before, said_before = workers_of(server), said.stat().st_size
        code.write_text(FAULTY_CODE)
        server.process.send_signal(signal.SIGHUP)
        until(lambda: "The new code is not used" in said.read_text()[said_before:])
        assert said.read_text()[said_before:].count("Traceback") == 1
        assert workers_of(server) == before
        code.unlink()
        server.process.send_signal(signal.SIGHUP)
        until(lambda: is_replaced(server, before))

    def test_leaves_workers_that_end_with_the_supervisor(self, server):
        before = workers_of(server)
        server.process.send_signal(signal.SIGHUP)
        now = until(lambda: is_replaced(server, before))
        os.kill(server.process.pid, signal.SIGKILL)
        server.process.wait()
        until(lambda: all(is_gone(pid) for pid in now))

    def test_is_followed_by_an_end_at_any_moment(self, server):
        before = workers_of(server)
        server.process.send_signal(signal.SIGHUP)
        until(lambda: b"--check" in command_of_child(server, before))
        until(lambda: b"--check" not in command_of_child(server, before))  # the next program begins
        server.process.terminate()
        assert server.process.wait(timeout=60) == 0
        assert all(is_gone(pid) for pid in before)


def is_gone(pid):
    """Whether a process ended; what nobody has waited for yet has."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] == "Z"
    except OSError:
        return True


def command_of_child(server, before):
    """Return the command of the process that checks the new code, nothing when there is none."""
    for pid in set(workers_of(server)) - set(before):
        try:
            return Path(f"/proc/{pid}/cmdline").read_bytes()
        except OSError:
            return b""
    return b""
