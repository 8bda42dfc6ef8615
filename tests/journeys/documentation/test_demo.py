"""`make demo`: the story that is told comes true."""

import subprocess
import sys

import pytest

from cedrina.tooling import demo, demo_attack
from tests.programs import served


class TestTheDemo:
    def test_comes_true_against_a_running_server(self, server, capsys):
        turns = demo.tell(demo.Server(server.url))

        assert turns == [True] * 5
        told = capsys.readouterr().out
        assert "The theft is seen at once." in told
        assert "POST /auth/refresh  ->  401 refresh_token_reused" in told

    def test_stops_in_words_where_addresses_have_to_be_confirmed(self, database_url, capsys):
        with served.serving(database_url=database_url, EMAIL_CONFIRMATION="required") as server:
            turns = demo.tell(demo.Server(server.url))

        assert turns == [False]
        assert "EMAIL_CONFIRMATION=optional" in capsys.readouterr().out

    def test_starts_a_server_of_its_own_and_shows_the_trail(self):
        with served.database() as url:
            done = subprocess.run(
                [sys.executable, "-m", "cedrina.tooling.demo"],
                cwd=served.ROOT,
                env=served.environment(DATABASE_URL=url),
                stdin=subprocess.DEVNULL,
                capture_output=True,
                text=True,
                check=False,
                timeout=120,
            )

        assert done.returncode == 0, done.stdout + done.stderr
        assert "token.reuse_detected" in done.stdout
        assert "Traceback" not in done.stdout + done.stderr

    def test_that_is_ended_early_leaves_no_server_behind(self):
        with served.database() as url:
            story = subprocess.Popen(
                [sys.executable, "-u", "-m", "cedrina.tooling.demo"],
                cwd=served.ROOT,
                env=served.environment(DATABASE_URL=url),
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                text=True,
            )
            while "POST /auth/register" not in story.stdout.readline():
                assert story.poll() is None
            story.kill()
            story.wait()
            # The server has inherited the pipe, so the pipe ends when the server has.
            story.stdout.read()
            story.stdout.close()


class TestTheAttack:
    def test_is_found_by_the_rules_of_a_server_of_its_own(self):
        with served.database() as url:
            done = subprocess.run(
                [sys.executable, "-m", "cedrina.tooling.demo"],
                cwd=served.ROOT,
                env=served.environment(DATABASE_URL=url, ATTACK="stuffing"),
                stdin=subprocess.DEVNULL,
                capture_output=True,
                text=True,
                check=False,
                timeout=180,
            )

        assert done.returncode == 0, done.stdout + done.stderr
        assert "/admin/console/ as operator, password " in done.stdout
        assert f"credential_stuffing {demo_attack.NETWORK}0/24" in done.stdout
        assert done.stdout.count("POST /auth/login") <= demo_attack.TRIES + demo_attack.PEOPLE

    @pytest.mark.parametrize("url", ["http://192.0.2.1:8000", "http://[2001:db8::1]/", "nonsense"])
    def test_is_played_on_this_machine_only(self, monkeypatch, url):
        monkeypatch.setenv("CEDRINA_URL", url)
        with pytest.raises(SystemExit, match="is not this machine"):
            demo_attack.play("stuffing")

    def test_has_a_name_that_is_known(self):
        with pytest.raises(SystemExit, match="no attack 'worm'"):
            demo_attack.play("worm")
