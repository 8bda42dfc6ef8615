import sys

import pytest

from cedrina.tooling.development.errors import StepFailed
from cedrina.tooling.development.supervisor import DevelopmentSupervisor

pytestmark = pytest.mark.process
WAIT = [sys.executable, "-c", "import sys, signal; print('up', flush=True); signal.pause()"]
FAIL = [sys.executable, "-c", "raise SystemExit(3)"]


@pytest.fixture
def supervisor(monkeypatch):
    monkeypatch.setattr("cedrina.tooling.development.supervisor.PAUSE_SECONDS", 0.0)
    each = DevelopmentSupervisor()
    yield each
    each.stop()


def process_of(supervisor, index=0):
    return supervisor._children[index].process


class TestLook:
    def test_leaves_what_runs_alone(self, supervisor):
        supervisor.start("server", WAIT)
        before = process_of(supervisor)
        supervisor.look()
        assert process_of(supervisor) is before
        assert before.poll() is None

    def test_starts_again_what_may_come_back(self, supervisor, capfd):
        supervisor.start("worker", FAIL, comes_back=True)
        before = process_of(supervisor)
        before.wait()
        supervisor.look()
        assert process_of(supervisor) is not before
        assert "The worker ended with exit code 3; it is started again." in capfd.readouterr().out

    def test_gives_up_when_anything_else_ends(self, supervisor):
        supervisor.start("server", FAIL)
        process_of(supervisor).wait()
        with pytest.raises(StepFailed, match="The server ended with exit code 3"):
            supervisor.look()


class TestStop:
    def test_ends_all_that_still_runs(self, supervisor):
        for name in ("server", "worker"):
            supervisor.start(name, WAIT)
        supervisor.stop()
        assert [process_of(supervisor, index).returncode is not None for index in (0, 1)] == [True, True]

    def test_kills_what_does_not_listen(self, supervisor, monkeypatch):
        monkeypatch.setattr("cedrina.tooling.development.supervisor.STOP_SECONDS", 0.1)
        deaf = "import signal, sys, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); time.sleep(600)"
        supervisor.start("server", [sys.executable, "-c", deaf])
        supervisor.stop()
        assert process_of(supervisor).returncode < 0
