"""A command line that asks for help waits for no module that it does not need."""

import subprocess
import sys
from pathlib import Path

import pytest

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


@pytest.mark.process
class TestHelp:
    @pytest.mark.parametrize("arguments", [["--help"], ["help"]])
    def test_imports_neither_urls_nor_admin_nor_large_libraries(self, arguments):
        done = subprocess.run(
            [sys.executable, "-c", PROGRAM, *arguments],
            cwd=ROOT,
            env={"PATH": "/usr/bin:/bin"},
            capture_output=True,
            text=True,
            timeout=60,
            check=True,
        )
        imported = set(done.stderr.split())
        assert "accounts.models" in imported
        assert imported & NOT_NEEDED == set()
        assert "create_admin" in done.stdout
