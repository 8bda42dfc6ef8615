"""The background worker runs its system checks in a process that ends with all the views that they load."""

import pytest

from tests.programs import forked_programs, served

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
    """Run the checks as a program; return its exit code, standard output and standard error."""
    environment = {**served.environment(), "DJANGO_SETTINGS_MODULE": "cedrina.settings.dev"}
    return forked_programs.run(["-c", CHECKED, *arguments], environment=environment)


@pytest.mark.process
class TestCallInFork:
    def test_leaves_nothing_of_what_the_checks_of_the_worker_load(self):
        code, out, err = run()
        assert code == 0, err
        assert out == "False\n"

    def test_says_what_a_check_refuses_and_ends(self):
        code, out, err = run("broken")
        assert code == 1
        assert "(sky.E001) The sky fell.\n\tHINT: Lift it." in err
        assert not out

    def test_shows_an_error_of_the_function_and_ends(self):
        code, out, err = run("raises")
        assert code == 1
        assert "ZeroDivisionError" in err
        assert not out
