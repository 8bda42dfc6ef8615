import socket

import pytest

from cedrina.tooling.development import steps, welcome
from cedrina.tooling.development.errors import StepFailed


class TestDemandDevelopment:
    def test_accepts_a_machine_that_says_nothing(self, monkeypatch):
        monkeypatch.delenv("CEDRINA_ENV", raising=False)
        steps.demand_development()

    @pytest.mark.parametrize("environment", ["staging", "production", "prod"])
    def test_refuses_anything_but_development(self, monkeypatch, environment):
        monkeypatch.setenv("CEDRINA_ENV", environment)
        with pytest.raises(StepFailed, match=f"CEDRINA_ENV is {environment}"):
            steps.demand_development()


class TestDemandFreePort:
    def test_says_what_to_do_when_somebody_listens_already(self, monkeypatch):
        monkeypatch.delenv("HOST", raising=False)
        with socket.create_server(("127.0.0.1", 0)) as taken:
            monkeypatch.setenv("PORT", str(taken.getsockname()[1]))
            with pytest.raises(StepFailed, match="make run PORT="):
                steps.demand_free_port()
        assert steps.demand_free_port() == ("127.0.0.1", int(steps.os.environ["PORT"]))

    @pytest.mark.parametrize("port", ["http", "70000", "-1"])
    def test_refuses_what_is_no_port(self, monkeypatch, port):
        monkeypatch.setenv("PORT", port)
        with pytest.raises(StepFailed, match="Cannot listen"):
            steps.demand_free_port()


@pytest.mark.process
class TestManage:
    def test_fails_with_the_words_of_the_command(self):
        with pytest.raises(StepFailed, match=r"(?s)no_such_command failed:.*Unknown command"):
            steps.manage("no_such_command")


class TestReachable:
    @pytest.mark.parametrize(
        ("host", "expected"),
        [("127.0.0.1", "127.0.0.1"), ("0.0.0.0", "127.0.0.1"), ("::", "[::1]"), ("::1", "[::1]"), ("box", "box")],
    )
    def test_gives_a_host_that_one_can_go_to(self, host, expected):
        assert welcome.reachable(host) == expected
