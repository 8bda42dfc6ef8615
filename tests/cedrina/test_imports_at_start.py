"""No command waits for modules that it does not need, and the list of commands for none of the apps."""

import subprocess
import sys
from pathlib import Path

import pytest
from django import get_version

ROOT = Path(__file__).resolve().parents[2]
# Each takes 10 to 80 ms. What they are for: the API and its description, the factors, social sign-in, tokens, stores.
NOT_NEEDED = {
    "accounts.admin",
    "accounts.selectors",
    "accounts.tasks",
    "authlib",
    "cedrina.operations.jobs",
    "cedrina.urls",
    "channels",
    "cryptography",
    "drf_spectacular.generators",
    "email_validator",
    "fido2",
    "jwt",
    "qrcode",
    "redis",
    "requests",
    "rest_framework.serializers",
    "rest_framework_simplejwt",
    "tokens.signing_algorithms",
    "uvicorn",
    "ua_parser",
    "yaml",
    "zxcvbn_rs_py",
}
PROGRAM = """
import sys, manage
sys.argv = ["manage.py", *sys.argv[1:]]
manage.main()
print(*sorted(sys.modules), file=sys.stderr)
"""


def imported_by(*arguments):
    """Return the modules that a command of ``manage.py`` imports, and what it prints."""
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM, *arguments],
        cwd=ROOT,
        env={"PATH": "/usr/bin:/bin"},
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )
    return set(done.stderr.split()), done.stdout


@pytest.mark.process
class TestHelp:
    @pytest.mark.parametrize("arguments", [["--help"], ["help"]])
    def test_imports_no_models(self, arguments):
        imported, printed = imported_by(*arguments)
        assert imported & (NOT_NEEDED | {"accounts.models", "procrastinate"}) == set()
        assert "create_admin" in printed


@pytest.mark.process
class TestACommand:
    def test_imports_neither_urls_nor_admin_nor_large_libraries(self):
        imported, printed = imported_by("version")
        assert "accounts.models" in imported
        assert imported & NOT_NEEDED == set()
        assert printed.strip() == get_version()
