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


class TestPrepare:
    @pytest.fixture
    def asked(self, monkeypatch):
        """The calls of manage.py: the first made the administrator, the others found it."""
        asked = []

        def manage(*arguments, stdin=""):
            asked.append((arguments, stdin))
            return '{"result": "exists"}' if len(asked) > 1 else '{"result": "created"}'

        monkeypatch.setattr(steps, "manage", manage)
        return asked

    def test_makes_schema_and_administrator_in_one_process(self, asked, tmp_path):
        password = steps.prepare(data=tmp_path)
        assert [(arguments[0], stdin) for arguments, stdin in asked] == [("prepare_development", password)]
        assert steps.prepare(data=tmp_path) == password

    def test_makes_the_schema_current_until_a_migration_changes(self, asked, tmp_path, monkeypatch):
        assert not steps.is_schema_current(data=tmp_path)
        steps.prepare(data=tmp_path)
        assert steps.is_schema_current(data=tmp_path)
        root = tmp_path / "root"
        for name in ("requirements/dev.txt", "app/migrations/0001_first.py"):
            (root / name).parent.mkdir(parents=True)
            (root / name).touch()
        monkeypatch.setattr(steps, "ROOT", root)
        steps.prepare(data=tmp_path)
        assert steps.is_schema_current(data=tmp_path)
        (root / "app/migrations/0002_second.py").touch()
        assert not steps.is_schema_current(data=tmp_path)

    def test_that_failed_leaves_the_schema_to_the_next_start(self, tmp_path, monkeypatch):
        def fail(*_arguments, stdin):
            raise StepFailed(stdin)

        monkeypatch.setattr(steps, "manage", fail)
        with pytest.raises(StepFailed):
            steps.prepare(data=tmp_path)
        assert not steps.is_schema_current(data=tmp_path)


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
