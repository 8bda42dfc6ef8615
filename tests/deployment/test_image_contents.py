"""What the image leaves out of libraries: the lists in deploy/image are true of the libraries that are locked."""

import importlib.util
import json
import re
import subprocess
import sys
import sysconfig
from pathlib import Path

import pytest

from tests.programs import served

FOLDER = served.ROOT / "deploy" / "image"
PACKAGES = Path(sysconfig.get_path("purelib"))
LOCKED = re.compile(r"^([\w.-]+)==", re.MULTILINE)


def loaded(name):
    """Import a module of deploy/image, which is no package."""
    spec = importlib.util.spec_from_file_location(f"image_{name}", FOLDER / f"{name}.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


requirements, unused = loaded("requirements"), loaded("unused")


class TestRequirements:
    @pytest.mark.parametrize("name", ["prod", "telemetry"])
    def test_are_the_locked_ones_but_for_those_that_nobody_imports(self, name):
        locked = (served.ROOT / "requirements" / f"{name}.txt").read_text()
        installed = requirements.installed(locked)
        assert set(LOCKED.findall(locked)) - set(LOCKED.findall(installed)) == set(requirements.UNUSED)
        kept = [line for line in installed.splitlines() if "==" in line]
        assert kept == [line for line in locked.splitlines() if line in set(kept)]
        assert installed.count("--hash=") < locked.count("--hash=")
        assert not re.search(r"^[A-Za-z0-9].*[^\\]$", installed, re.MULTILINE)  # each has its hashes

    def test_name_no_package_that_is_not_locked(self):
        with pytest.raises(SystemExit, match="dnspython"):
            requirements.installed("django==5.2.0 \\\n    --hash=sha256:00\n")

    def test_are_what_the_list_of_components_has(self):
        printed = subprocess.run(
            [sys.executable, FOLDER / "requirements.py", "requirements/prod.txt"],
            cwd=served.ROOT,
            capture_output=True,
            check=True,
        ).stdout
        done = subprocess.run(
            [sys.executable, "-m", "cyclonedx_py", "requirements", "--output-format", "JSON", "-"],
            input=printed,
            capture_output=True,
            check=True,
        )
        components = {component["name"] for component in json.loads(done.stdout)["components"]}
        assert components == set(LOCKED.findall(printed.decode()))


class TestUnusedPaths:
    @pytest.mark.parametrize("path", [path for path in unused.PATHS if not path.startswith("**")])
    def test_are_there_to_be_removed(self, path):
        assert next(PACKAGES.glob(path), None) is not None

    def test_providers_that_are_kept_are_there(self):
        folder = PACKAGES / "allauth" / "socialaccount" / "providers"
        assert {entry.name for entry in folder.iterdir()} > unused.PROVIDERS
