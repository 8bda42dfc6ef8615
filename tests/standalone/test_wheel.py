"""The wheel: what it holds, what it demands, and that its apps run where nothing else of this repository is."""

import ast
import json
import os
import subprocess
import sys
from importlib.metadata import packages_distributions
from pathlib import Path

import pytest

from tests.architecture.source import ROOT, python
from tests.standalone.requirements import cedrina_in, normalised, of_extra

PACKAGES = ("cedrina", "accounts", "tokens", "ratelimiting", "security_events", "cedrina_base")
# Read by the type checker alone; parts of Django, of pydantic, and of the extra redis[hiredis].
NOT_REQUIRED = {"django_stubs_ext", "asgiref", "pydantic_core", "hiredis"}


def run(*arguments, cwd, **environment):
    done = subprocess.run(
        arguments, cwd=cwd, env={**os.environ, **environment}, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.fixture(scope="module")
def cedrina(installed):
    return cedrina_in(installed)


def imported(package):
    """Return the distributions that a package imports, by their names on an index; tools of development left out."""
    modules = set()
    for path in python(package):
        if "tooling" in path.parts:
            continue
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Import):
                modules |= {alias.name.partition(".")[0] for alias in node.names}
            elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
                modules.add(node.module.partition(".")[0])
    modules -= set(sys.stdlib_module_names) | set(PACKAGES) | NOT_REQUIRED
    distributions = packages_distributions()
    return {normalised(distributions[module][0]) for module in modules}


class TestTheWheel:
    def test_holds_every_file_of_the_packages_but_the_tools(self, installed):
        expected = {path.relative_to(ROOT).as_posix() for path in python(*PACKAGES)}
        expected = {name for name in expected if not name.startswith("cedrina/tooling/")}

        held = {path.relative_to(installed).as_posix() for path in installed.rglob("*.py")}

        assert {name for name in held if "/migrations/" not in name} == expected
        assert (installed / "accounts/migrations/0001_people_and_former_passwords.py").exists()
        assert not (installed / "cedrina/tooling").exists()
        for package in PACKAGES:
            assert (installed / package / "py.typed").exists()
        for file in ("ratelimiting/stores/lua/decide.lua", "accounts/templates/accounts/pages/base.html"):
            assert (installed / file).exists()

    def test_has_a_licence_and_addresses(self, cedrina):
        assert cedrina.metadata["License-Expression"] == "MIT"
        assert any(address.startswith("Documentation, ") for address in cedrina.metadata.get_all("Project-URL"))
        assert "Typing :: Typed" in cedrina.metadata.get_all("Classifier")

    @pytest.mark.parametrize(
        ("package", "extras"),
        [
            ("cedrina_base", ["tokens"]),  # its serializers are for apps with an API
            ("security_events", ["security-events-api", "security-events-live", "geoip"]),
            ("ratelimiting", ["ratelimiting-api"]),
            ("tokens", ["tokens"]),
            ("accounts", ["accounts", "access-casbin"]),
            ("cedrina", ["server", "errors", "otel"]),
        ],
    )
    def test_demands_what_an_app_imports(self, cedrina, package, extras):
        assert not imported(package).difference(*(of_extra(cedrina, extra) for extra in extras))


SETTINGS = """
import os
import environ
SECRET_KEY = "of-a-project-that-installs-a-wheel-0123456789-0123456789"
DATABASES = {{"default": environ.Env().db_url("DATABASE_URL", default="postgres:///cedrina")}}
USE_TZ = True
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
INSTALLED_APPS = {apps!r}
ROOT_URLCONF = "urls"
"""
PROBE = """
import json, sys
import django
django.setup()
from django.core.management import call_command
call_command("check", fail_level="WARNING")
call_command("makemigrations", check=True, dry_run=True, verbosity=0)
import {app}, cedrina_base
print(json.dumps([{app}.__file__, cedrina_base.__file__]))
"""
APPS = {
    "ratelimiting": ["django.contrib.auth", "django.contrib.contenttypes", "cedrina_base"],
    "security_events": ["django.contrib.auth", "django.contrib.contenttypes", "cedrina_base"],
    "tokens": [
        "django.contrib.auth",
        "django.contrib.contenttypes",
        "rest_framework",
        "cedrina_base",
        "security_events",
    ],
}


class TestAnInstalledApp:
    def probe(self, app, *, others=(), installed, folder):
        """Check a project in ``folder`` with the app; return the files of the app and of ``cedrina_base``."""
        (folder / "project_settings.py").write_text(SETTINGS.format(apps=[*APPS[app], app, *others]))
        (folder / "urls.py").write_text("urlpatterns = []\n")
        shown = run(
            sys.executable,
            "-P",
            "-c",
            PROBE.format(app=app),
            cwd=folder,
            PYTHONPATH=f"{folder}{os.pathsep}{installed}",
            DJANGO_SETTINGS_MODULE="project_settings",
        )
        return [Path(file) for file in json.loads(shown.splitlines()[-1])]

    @pytest.mark.parametrize("app", list(APPS))
    def test_passes_its_checks_in_a_project_without_this_repository(self, app, installed, tmp_path):
        files = self.probe(app, installed=installed, folder=tmp_path)

        assert all(file.is_relative_to(installed) for file in files)

    @pytest.mark.parametrize("app", list(APPS))
    def test_stands_beside_an_app_accounts_of_the_project(self, app, installed, tmp_path):
        (tmp_path / "accounts").mkdir()
        (tmp_path / "accounts" / "__init__.py").touch()
        (tmp_path / "accounts" / "models.py").write_text(
            "from django.db import models\n\nclass Account(models.Model):\n    class Meta:\n        managed = False\n"
        )

        assert self.probe(app, others=["accounts"], installed=installed, folder=tmp_path)

    def test_translates_what_it_says(self, installed, tmp_path):
        shown = run(
            sys.executable,
            "-P",
            "-c",
            "import django; django.setup()\n"
            "from django.utils.translation import override\n"
            "from cedrina_base.errors import AppError\n"
            "from ratelimiting.errors import RateLimitingError\n"
            "from django.utils.translation import gettext as _\n"
            "with override('es'): print(_('Reason'))",
            cwd=tmp_path,
            PYTHONPATH=f"{tmp_path}{os.pathsep}{installed}",
            DJANGO_SETTINGS_MODULE=self.settings(tmp_path),
        )

        assert shown.strip() not in ("", "Reason")

    def settings(self, folder):
        text = SETTINGS.format(apps=[*APPS["ratelimiting"], "ratelimiting"]) + "USE_I18N = True\n"
        (folder / "project_settings.py").write_text(text)
        (folder / "urls.py").write_text("urlpatterns = []\n")
        return "project_settings"
