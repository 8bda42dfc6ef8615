"""Forks that have our code already do what programs of their own do, each with its own settings."""

import secrets

import pytest

from tests.programs import forked_programs, loaded_code, served

pytestmark = pytest.mark.process
NOWHERE = "postgres://nobody:nothing@127.0.0.1:1/{}"
# Whether it had our views before it did anything, which process forked it, and what it reads of its settings.
TELL = """
import os, sys, time
print("accounts.urls" in sys.modules, os.getppid())
from django.conf import settings
from django.db import connection
print(settings.DATABASES["default"]["NAME"], connection.settings_dict["NAME"], settings.SERVING["PORT"], time.tzname[0])
print("TZ" in os.environ, "DJANGO_SETTINGS_MODULE" in os.environ, settings.DEFAULT_FROM_EMAIL)
from django.core.mail import get_connection
print(type(get_connection()).__module__, settings.EMAIL_PORT)
print(settings.SERVING["WORKERS"], settings.SERVING["MAX_CONNECTIONS"])
"""


def kind(**settings):
    """Return settings that no other test has."""
    return {"DEFAULT_FROM_EMAIL": f"{secrets.token_hex(4)}@example.org", **settings}


def tell(database, **settings):
    """Return what a command tells: whether it was forked with our code, by whom, and its settings."""
    environment = served.environment(DATABASE_URL=NOWHERE.format(database), **settings)
    arguments = ["manage.py", "shell", "--no-imports", "-c", TELL]
    code, out, err = forked_programs.run(arguments, environment=environment)
    assert code == 0, err
    first, *others = out.splitlines()
    return *first.split(), others


class TestStart:
    def test_loads_the_code_once_for_the_programs_of_a_kind(self):
        settings = kind()

        cold, starter, _ = tell("a", **settings)
        first, loaded, _ = tell("a", **settings)
        second, loaded_again, _ = tell("b", PORT="8123", **settings)

        assert (cold, first, second) == ("False", "True", "True")
        assert starter != loaded == loaded_again

    def test_gives_each_program_its_own_settings(self):
        settings = kind()

        own = {"PORT": "8001", "EMAIL_URL": "smtp://127.0.0.1:2525", "WEB_CONCURRENCY": "3", "DATABASE_POOL_MAX": "7"}
        cold = tell("a", **own, **settings)[2]
        _, loaded, other = tell("b", PORT="8002", **settings)
        _, loaded_again, forked = tell("a", **own, **settings)

        assert cold[0].startswith("a a 8001")
        assert loaded == loaded_again
        assert forked == cold
        assert not set(other[2:]) & set(cold[2:])

    def test_of_a_kind_with_a_fault_shows_the_fault_each_time(self):
        environment = served.environment(DATABASE_URL=NOWHERE.format("a"), **kind(BCRYPT_ROUNDS="many"))

        for _ in range(3):
            code, out, err = forked_programs.run(["manage.py", "check"], environment=environment)
            assert (code, out) == (1, "")
            assert "BCRYPT_ROUNDS must be a whole number" in err

    def test_runs_a_text_as_the_interpreter_does(self):
        environment = served.environment(DATABASE_URL=NOWHERE.format("a"))
        text = "import sys, cedrina\nprint(sys.argv, __name__)\nsys.exit('the end')"

        assert forked_programs.run(["-c", text], environment=environment) == (1, "['-c'] __main__\n", "the end\n")

    def test_loads_the_code_for_others_of_the_kind_of_one_with_a_fault(self):
        settings = kind()
        faulty = served.environment(DATABASE_URL=NOWHERE.format("a"), WEB_CONCURRENCY="many", **settings)
        for _ in range(2):
            assert forked_programs.run(["manage.py", "check"], environment=faulty)[0] == 1

        assert tell("a", **settings)[0] == "True"


class TestKindOf:
    def test_is_the_environment_without_what_is_each_programs_own(self):
        first = served.environment(DATABASE_URL="a", PORT="1")
        second = served.environment(DATABASE_URL="b", PORT="2", EMAIL_URL="smtp://b", WEB_CONCURRENCY="2")
        other = served.environment(DATABASE_URL="a", PORT="1", LOG_LEVEL="DEBUG")

        assert loaded_code.kind_of(["manage.py", "check"], first) == loaded_code.kind_of(
            ["manage.py", "migrate"], second
        )
        assert loaded_code.kind_of(["manage.py", "check"], other) != loaded_code.kind_of(["manage.py", "check"], first)

    @pytest.mark.parametrize("arguments", [["-m", "http.server"], ["benchmarks/run.py"]])
    def test_is_none_for_programs_that_are_not_ours(self, arguments):
        assert loaded_code.kind_of(arguments, served.environment(DATABASE_URL="a")) is None
