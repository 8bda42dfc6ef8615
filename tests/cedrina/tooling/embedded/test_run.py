"""The wrapper around a command: what it gives, and that nothing stays behind however it ends."""

import json
import os
import pty
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path
from urllib.parse import urlsplit

import psycopg
import pytest
import redis

NOTHING = [sys.executable, "-c", "pass"]
# Where the command is the point: Redis starts at once, PostgreSQL takes a second of CPU to make its data.
REDIS_ALONE = {"DATABASE_URL": "postgres://somewhere/else"}


def answers(url):
    parts = urlsplit(url)
    try:
        socket.create_connection((parts.hostname, parts.port), timeout=5).close()
    except ConnectionRefusedError:
        return False
    return True


def execute(url, statement):
    with psycopg.connect(url) as connection:
        connection.execute(statement)


def scalar(url, query):
    with psycopg.connect(url) as connection:
        return connection.execute(query).fetchone()[0]


class TestServers:
    def test_are_a_postgresql_16_or_newer_and_a_redis(self, addresses):
        assert int(scalar(addresses["DATABASE_URL"], "SHOW server_version_num")) >= 160000
        assert scalar(addresses["DATABASE_URL"], "SELECT lower('É')") in {"é", "É"}
        with redis.Redis.from_url(addresses["REDIS_URL"]) as client:
            assert client.ping()

    def test_ask_for_a_password(self, addresses):
        with pytest.raises(psycopg.OperationalError):
            psycopg.connect(addresses["DATABASE_URL"].replace("cedrina:", "cedrina:not", 1))
        port = urlsplit(addresses["REDIS_URL"]).port
        with redis.Redis(port=port) as client, pytest.raises(redis.AuthenticationError):
            client.ping()

    def test_are_those_of_the_environment_where_it_names_them(self, waiting, place):
        given = {"DATABASE_URL": "postgres://somewhere/else", "REDIS_URL": "redis://somewhere/1"}
        run = waiting("--redis", environment=given)
        assert json.loads(run.line()) == given
        assert list(place.iterdir()) == []

    def test_are_started_only_where_the_environment_names_none(self, waiting):
        run = waiting("--redis", environment={"DATABASE_URL": "postgres://somewhere/else", "REDIS_URL": ""})
        addresses = json.loads(run.line())
        assert addresses["DATABASE_URL"] == "postgres://somewhere/else"
        assert answers(addresses["REDIS_URL"])

    def test_keep_everything_when_data_is_kept(self, waiting, place):
        first = waiting("--data", str(place / "kept"))
        url = json.loads(first.line())["DATABASE_URL"]
        execute(url, "CREATE TABLE kept AS SELECT 42 AS answer")
        assert scalar(url, "SHOW fsync") == "on"
        assert first.end()[0] == 0

        second = waiting("--data", str(place / "kept"))
        assert scalar(json.loads(second.line())["DATABASE_URL"], "SELECT answer FROM kept") == 42

    def test_do_not_sync_what_is_thrown_away_unless_asked(self, waiting, addresses):
        durable = waiting("--durable")
        assert scalar(addresses["DATABASE_URL"], "SHOW fsync") == "off"
        assert scalar(json.loads(durable.line())["DATABASE_URL"], "SHOW fsync") == "on"

    def test_of_two_runs_at_once_do_not_meet(self, waiting, addresses):
        runs = [waiting("--redis") for _ in range(2)]
        all_of_them = [addresses, *(json.loads(run.line()) for run in runs)]
        assert len({each["DATABASE_URL"] for each in all_of_them}) == 3
        for each in all_of_them:
            execute(each["DATABASE_URL"], "CREATE TABLE mine (id int)")
        runs[0].end()
        for each in (addresses, all_of_them[2]):
            assert answers(each["DATABASE_URL"])
            assert answers(each["REDIS_URL"])

    def test_of_a_second_run_on_the_same_data_are_refused_with_a_message(self, waiting, place):
        first = waiting("--data", str(place / "kept"))
        url = json.loads(first.line())["DATABASE_URL"]
        code, _, err = waiting("--data", str(place / "kept")).end()
        assert code == 1
        assert f"Another run uses {place}/kept" in err
        assert scalar(url, "SELECT 1") == 1


class TestCommand:
    @pytest.mark.parametrize(
        ("script", "code", "environment"), [("pass", 0, {}), ("raise SystemExit(7)", 7, REDIS_ALONE)]
    )
    def test_gives_its_exit_code(self, wrapper, place, script, code, environment):
        run = wrapper("--redis", "--", sys.executable, "-c", script, environment=environment)
        assert run.end()[0] == code
        assert list(place.iterdir()) == []

    def test_gives_128_and_the_signal_that_ended_it(self, wrapper):
        script = "import os, signal; os.kill(os.getpid(), signal.SIGKILL)"
        run = wrapper("--redis", "--", sys.executable, "-c", script, environment=REDIS_ALONE)
        assert run.end()[0] == 128 + signal.SIGKILL

    def test_that_does_not_exist_is_named_and_leaves_nothing(self, wrapper, place):
        code, _, err = wrapper("--redis", "--", "no-such-program", environment=REDIS_ALONE).end()
        assert code == 1
        assert "no-such-program cannot be run" in err
        assert list(place.iterdir()) == []

    @pytest.mark.parametrize("signum", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
    def test_gets_the_signals_and_may_finish_its_work(self, wrapper, place, signum):
        script = (
            "import signal, sys\n"
            f"signal.pthread_sigmask(signal.SIG_BLOCK, {{{int(signum)}}})\n"
            "print('ready', flush=True)\n"
            f"signal.sigwait({{{int(signum)}}})\n"
            "print('heard', flush=True)\n"
            "sys.exit(5)\n"
        )
        run = wrapper("--redis", "--", sys.executable, "-c", script, environment=REDIS_ALONE)
        assert run.line() == "ready\n"
        run.process.send_signal(signum)
        assert run.end()[:2] == (5, "heard\n")
        assert list(place.iterdir()) == []


class TestTerminal:
    def test_reaches_the_command_once_when_its_key_interrupts(self, wrapper):
        script = (
            "import signal, sys\n"
            "signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})\n"
            "print('ready', flush=True)\n"
            "signal.sigwait({signal.SIGINT})\n"
            "print('heard', flush=True)\n"
            "sys.stdin.readline()\n"
            "print('again' if signal.sigpending() else 'once', flush=True)\n"
        )
        ours, theirs = pty.openpty()
        with os.fdopen(theirs), os.fdopen(ours, "wb", buffering=0) as keyboard:
            options = {"environment": REDIS_ALONE, "stdin": theirs, "controlling": True}
            run = wrapper("--redis", "--", sys.executable, "-c", script, **options)
            assert run.line() == "ready\n"
            keyboard.write(b"\x03")
            assert run.line() == "heard\n"
            keyboard.write(b"\n")
            assert run.line() == "once\n"
            assert run.end()[0] == 0


class TestEnd:
    @pytest.mark.parametrize("signum", [signal.SIGINT, signal.SIGTERM, signal.SIGKILL])
    def test_of_the_wrapper_ends_command_and_servers_and_removes_their_data(self, waiting, place, signum):
        run = waiting("--redis")
        addresses = json.loads(run.line())
        run.process.send_signal(signum)
        run.end()
        assert not answers(addresses["DATABASE_URL"])
        assert not answers(addresses["REDIS_URL"])
        assert list(place.iterdir()) == []

    def test_before_the_servers_are_up_leaves_nothing_either(self, wrapper, place):
        run = wrapper("--redis", "--", *NOTHING)
        while not list(place.iterdir()):
            assert run.process.poll() is None
        run.process.kill()
        run.end()
        assert list(place.iterdir()) == []

    def test_of_the_keeper_takes_the_servers_along(self, waiting):
        run = waiting("--redis")
        addresses = json.loads(run.line())
        pid = child_of(run.process.pid, "cedrina.tooling.embedded.keeper")
        servers = children_of(pid)
        assert len(servers) == 2
        subprocess.run(["kill", "-KILL", str(pid)], check=True)
        for server in servers:
            wait_for_end_of(server)
        assert not answers(addresses["DATABASE_URL"])
        assert not answers(addresses["REDIS_URL"])

    def test_of_a_killed_run_lets_the_next_one_have_the_data(self, waiting, place):
        first = waiting("--data", str(place / "kept"))
        execute(json.loads(first.line())["DATABASE_URL"], "CREATE TABLE kept AS SELECT 42 AS answer")
        first.process.kill()
        second = waiting("--data", str(place / "kept"))
        assert scalar(json.loads(second.line())["DATABASE_URL"], "SELECT answer FROM kept") == 42


def children_of(pid):
    listing = subprocess.run(["ps", "-e", "-o", "pid=,ppid="], capture_output=True, text=True, check=True).stdout
    pairs = [tuple(map(int, line.split())) for line in listing.splitlines()]
    return [child for child, parent in pairs if parent == pid]


def child_of(pid, name):
    for child in children_of(pid):
        command = subprocess.run(["ps", "-o", "args=", "-p", str(child)], capture_output=True, text=True, check=False)
        if name in command.stdout:
            return child
    raise AssertionError(name)


def wait_for_end_of(pid):
    # Not our child: /proc is the only place to look. The test's own timeout bounds the wait.
    while (
        Path(f"/proc/{pid}/stat").exists() and Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] != "Z"
    ):
        time.sleep(0.02)
