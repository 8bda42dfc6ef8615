"""Processes with different settings make and rotate signing keys at the same moment."""

import json
from concurrent.futures import ThreadPoolExecutor
from urllib.parse import urlsplit, urlunsplit

import psycopg
import pytest
from psycopg.rows import namedtuple_row

from tests.programs import served

pytestmark = pytest.mark.process
ALGORITHMS = ["RS256", "ES256", "EdDSA", "ES256"]
MAKE_FIRST = "from tokens.services import keys; from django.utils.timezone import now; keys.ensure_first(now=now())"


@pytest.fixture
def url():
    with served.database() as url:
        yield url


def at_once(url, *arguments):
    """Run a command in one process for each algorithm; return what they printed."""

    def run(algorithm):
        environment = served.environment(DATABASE_URL=url, ACCESS_TOKEN_ALGORITHM=algorithm)
        return served.manage(*arguments, environment=environment)

    with ThreadPoolExecutor(len(ALGORITHMS)) as pool:
        return list(pool.map(run, ALGORITHMS))


def execute(url, statement):
    plain = urlunsplit(urlsplit(url)._replace(scheme="postgresql"))
    with psycopg.connect(plain, row_factory=namedtuple_row) as connection:
        cursor = connection.execute(statement)
        return cursor.fetchall() if cursor.description else []


class TestEnsureFirst:
    def test_makes_one_key_whatever_the_settings(self, url):
        execute(url, "DELETE FROM tokens_signingkey")
        at_once(url, "shell", "-v", "0", "-c", MAKE_FIRST)

        (key,) = execute(url, "SELECT * FROM tokens_signingkey")
        assert key.algorithm in ALGORITHMS
        assert (key.retired_at, key.expires_at) == (None, None)


class TestRotate:
    def test_leaves_one_key_that_signs_whatever_the_settings(self, url):
        (first,) = execute(url, "SELECT * FROM tokens_signingkey")
        made = [json.loads(out) for out in at_once(url, "rotate_signing_key", "--yes", "--json")]

        rows = {row.kid: row for row in execute(url, "SELECT * FROM tokens_signingkey")}
        assert [rows[result["kid"]].algorithm for result in made] == ALGORITHMS
        assert rows.keys() == {first.kid, *(result["kid"] for result in made)}
        (last,) = [row for row in rows.values() if row.retired_at is None]
        for row in rows.values():
            if row is not last:  # signs no longer than until the last one does, and stays published after that
                assert row.retired_at <= max(row.activated_at, last.activated_at) < row.expires_at
        # The first one signs on, until all others could be fetched.
        assert rows[first.kid].retired_at == min(rows[result["kid"]].activated_at for result in made)
