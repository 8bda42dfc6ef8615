"""`make demo`: the story that is told comes true."""

import subprocess
import sys

import pytest

from cedrina.tooling import demo
from tests import served


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
