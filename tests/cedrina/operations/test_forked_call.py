"""The background worker runs its system checks in a process that ends with all the views that they load."""

import subprocess
import sys

import pytest

from tests.programs import served

CHECKED = """
import sys, django
django.setup()
from django.core import checks
from cedrina.management.commands.run_worker import Command
if "broken" in sys.argv:
    checks.register(lambda **_options: [checks.Error("The sky fell.", hint="Lift it.", id="sky.E001")])
if "raises" in sys.argv:
    checks.register(lambda **_options: 1 / 0)
Command().check()
print("accounts.urls" in sys.modules)
"""


def run(*arguments):
    return subprocess.run(
        [sys.executable, "-c", CHECKED, *arguments],
        cwd=served.ROOT,
        env={**served.environment(), "DJANGO_SETTINGS_MODULE": "cedrina.settings.dev"},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


@pytest.mark.process
class TestCallInFork:
    def test_leaves_nothing_of_what_the_checks_of_the_worker_load(self):
        done = run()
        assert done.returncode == 0, done.stderr
        assert done.stdout == "False\n"

    def test_says_what_a_check_refuses_and_ends(self):
        done = run("broken")
        assert done.returncode == 1
        assert "(sky.E001) The sky fell.\n\tHINT: Lift it." in done.stderr
        assert not done.stdout

    def test_shows_an_error_of_the_function_and_ends(self):
        done = run("raises")
        assert done.returncode == 1
        assert "ZeroDivisionError" in done.stderr
        assert not done.stdout
