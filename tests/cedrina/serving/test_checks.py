"""The checks before a server serves run in a fork, of which nothing stays but what it said."""

import pytest

from tests.programs import forked_programs, served

pytestmark = pytest.mark.process
REFUSED = {"TOKEN_PROFILE": "hardened", "ACCESS_TOKEN_SECONDS": "3000"}
NOTHING_STAYS = """
import threading
from django.conf import settings
from cedrina.serving.__main__ import load_code
from cedrina.serving.checks import load_and_check
from cedrina.serving.processes.preloading import require_forkable, open_descriptors
before = open_descriptors()
load_and_check(load_code)
require_forkable(known_descriptors=before)
from django.db import connections
assert all(connection.connection is None for connection in connections.all(initialized_only=True))
print("nothing stays")
"""
CODE_THAT_FAILS = """
from django.conf import settings
from cedrina.serving.checks import load_and_check
def load():
    raise LookupError("no such module")
load_and_check(load)
"""


def run(code, **settings):
    """Run code as a program; return its exit code, standard output and standard error."""
    environment = {**served.environment(DATABASE_URL="postgres://nobody@127.0.0.1:1/none"), **settings}
    environment["DJANGO_SETTINGS_MODULE"] = "cedrina.settings.dev"
    return forked_programs.run(["-c", code], environment=environment)


class TestLoadAndCheck:
    def test_leaves_no_connection_and_no_thread(self):
        code, out, err = run(NOTHING_STAYS)
        assert (code, out) == (0, "nothing stays\n"), err
        assert "database_unavailable" in err  # the checks have looked for it

    def test_refuses_in_the_words_of_the_checks_what_they_refuse(self):
        code, out, err = run(NOTHING_STAYS, **REFUSED)
        assert (code, out) == (1, "")
        assert err.startswith("Cedrina does not start:\n")
        assert "tokens.E003" in err
        assert "Traceback" not in err

    def test_says_what_the_code_said_where_the_checks_refuse_nothing(self):
        code, _, err = run(CODE_THAT_FAILS)
        assert code == 1
        assert err.rstrip().endswith("LookupError: no such module")

    def test_says_what_the_checks_refuse_where_the_code_fails_too(self):
        code, _, err = run(CODE_THAT_FAILS, **REFUSED)
        assert code == 1
        assert "tokens.E003" in err.rpartition("Cedrina does not start:")[2]
