"""`tokens`, `security_events`, `ratelimiting` and `accounts.access` each run in a bare Django project of their own.

Each needs `cedrina_base`.
"""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

HERE = Path(__file__).parent
ROOT = HERE.parents[1]
APPS = ("tokens", "security_events", "ratelimiting", "access")
PACKAGES = {"access": "accounts.access"}

OURS = {"accounts", "cedrina", "cedrina_base", "ratelimiting", "tokens", "security_events"}
# The admin and its forms are for projects that have Django's admin, and Casbin for those that install it.
NOT_IMPORTED = {
    **{app: (f"{app}.admin", f"{app}.forms") for app in APPS},
    "access": ("accounts.access.admin",),
}

# One process answers for an app: each takes a second until Django is set up.
JUDGE = """
import contextlib, importlib, io, json, pkgutil, sys
import django
from django.core.management import call_command
django.setup()

def outcome(*arguments, **options):
    said = io.StringIO()
    with contextlib.redirect_stdout(said), contextlib.redirect_stderr(said):
        try:
            call_command(*arguments, **options)
        except (Exception, SystemExit) as error:
            return f"{{error!r}} {{said.getvalue()}}"
    return None

checks = outcome("check", fail_level="WARNING")
migrations = outcome("makemigrations", "{app}", check_changes=True, dry_run=True)
import {package}
for module in pkgutil.walk_packages({package}.__path__, "{package}."):
    if module.name not in {others}:
        importlib.import_module(module.name)
print(json.dumps({{"checks": checks, "migrations": migrations, "modules": sorted(sys.modules)}}))
"""


def run(app, *arguments):
    """Run Python in the bare project of an app; nothing of the run around it reaches in."""
    environment = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(("PYTEST_", "DJANGO_", "CEDRINA_", "COV_"))
    }
    environment["DJANGO_SETTINGS_MODULE"] = f"tests.standalone.{app}_settings"
    return subprocess.run(
        [sys.executable, *arguments],
        cwd=ROOT,
        env=environment,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


@pytest.fixture(scope="class")
def judged(app):
    """What a process in the bare project of an app finds: refusals of two commands, and all modules it has imported."""
    done = run(app, "-c", JUDGE.format(app=app, package=PACKAGES.get(app, app), others=NOT_IMPORTED.get(app, ())))
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout.splitlines()[-1])


@pytest.mark.parametrize("app", APPS, scope="class")
class TestApp:
    def test_passes_its_journey(self, app):
        done = run(
            app,
            "-m",
            "pytest",
            "-q",
            "-p",
            "no:cacheprovider",
            "-p",
            "no:xdist",
            *self.without_xdist(),
            self.journey(app),
        )

        assert done.returncode == 0, done.stdout + done.stderr
        assert " passed" in done.stdout

    def journey(self, app):
        return str(HERE / f"{app}_journey.py")

    def without_xdist(self):
        return ("-o", "required_plugins=pytest-django pytest-socket pytest-timeout")

    def test_passes_its_checks(self, judged):
        assert judged["checks"] is None

    def test_needs_no_migration_of_its_own(self, judged):
        assert judged["migrations"] is None

    def test_imports_nothing_from_above(self, app, judged):
        package, loaded = PACKAGES.get(app, app), judged["modules"]
        allowed = {"cedrina_base", *({"tokens": {"tokens", "security_events"}}.get(app, {package.partition(".")[0]}))}
        assert {name.partition(".")[0] for name in loaded} & OURS == allowed
        assert [
            name for name in loaded if name.startswith("accounts.") and not name.startswith("accounts.access")
        ] == []


class TestTokensOnSqlite:
    def test_is_refused_with_a_sentence_before_anything_is_migrated(self):
        for command in ("check", "migrate"):
            done = run("tokens_on_sqlite", "-m", "django", command)

            assert done.returncode == 1
            assert "(tokens.E013) tokens needs PostgreSQL as the default database, which is sqlite here." in done.stderr
            assert "Traceback" not in done.stderr
