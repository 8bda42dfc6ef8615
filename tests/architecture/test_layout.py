"""Where things are, how large they are and what they are called."""

import re

import pytest

from tests.architecture.source import APPS, PRODUCT, ROOT, files, python, texts

TOP = {
    "manage.py",
    "cedrina",
    "cedrina_base",
    "accounts",
    "tokens",
    "ratelimiting",
    "security_events",
    "templates",
    "locale",
    "tests",
    "requirements",
    "Dockerfile",
    "docker-compose.yml",
    "README.md",
    "pyproject.toml",
    "Makefile",
    "CHANGELOG.md",
    "SECURITY.md",
    "docs",
    "benchmarks",
    "deploy",
    "LICENSE",
}
MADE = {"staticfiles", "node_modules", "htmlcov"}
NO_MODULES = {"utils", "helpers", "helper", "common", "manager", "managers", "handler", "handlers", "misc"}
PICTURES = 0x1F000
LONGEST_FILE, LONGEST_TEST = 400, 500
UNFINISHED = re.compile(r"\b(TO[D]O|FIX[M]E|XX[X])\b")
# A path of somebody's machine, or a speaker who is not the product.
ELSEWHERE = re.compile(r"(?<![\w.])/(?:root|home|Users|work)/\w|\bA[I]\b|\bL[L]M\b|\bassis[t]ant\b")
REGISTRY = re.compile(r"--(?:extra-)?index-url|--find-links|--trusted-host")


def length(path):
    return len(path.read_text(encoding="utf-8").splitlines())


class TestTheTopLevel:
    def test_is_exactly_what_the_house_has(self):
        found = {path.name for path in ROOT.iterdir() if not path.name.startswith(".")}
        # git keeps no empty directory: translations come with the first catalogue.
        assert found - MADE - {"__pycache__"} | {"locale"} == TOP

    def test_has_what_starts_with_a_dot(self):
        for name in (".ci/run", ".gitignore", ".dockerignore", ".pre-commit-config.yaml"):
            assert (ROOT / name).is_file(), name

    @pytest.mark.parametrize("app", APPS)
    def test_has_apps_with_the_same_skeleton(self, app):
        for name in (
            "__init__.py",
            "apps.py",
            "conf.py",
            "checks.py",
            "services/__init__.py",
            "migrations/__init__.py",
        ):
            assert (ROOT / app / name).is_file(), name
        assert (ROOT / app / "__init__.py").read_text() == ""
        assert (ROOT / app / "services" / "__init__.py").read_text() == ""


class TestAFile:
    def test_of_the_product_is_short(self):
        assert [path for path in python(*PRODUCT) if length(path) > LONGEST_FILE] == []

    def test_that_tests_or_measures_is_not_long(self):
        assert [path for path in python("tests", "benchmarks") if length(path) > LONGEST_TEST] == []

    def test_is_named_for_what_it_holds(self):
        assert [path for path in python(*PRODUCT, "tests") if path.stem in NO_MODULES] == []

    def test_of_a_migration_says_what_it_does(self):
        names = [path.stem for path in files() if path.parent.name == "migrations" and path.suffix == ".py"]
        assert [name for name in names if "auto_" in name or re.fullmatch(r"\d+", name)] == []

    def test_is_finished(self):
        assert [path for path in texts() if UNFINISHED.search(path.read_text(encoding="utf-8"))] == []

    def test_speaks_of_the_product_alone(self):
        assert [path for path in texts() if ELSEWHERE.search(path.read_text(encoding="utf-8"))] == []

    def test_of_requirements_names_no_registry_and_pins_by_digest(self):
        for path in (ROOT / "requirements").iterdir():
            text = path.read_text(encoding="utf-8")
            assert REGISTRY.search(text) is None, path
            assert "://" not in text, path
            if path.suffix == ".txt":
                pins = re.findall(r"^[a-zA-Z0-9][^\s=]*==.*", text, re.MULTILINE)
                assert pins
                assert all(pin.endswith("\\") for pin in pins), path

    def test_has_no_pictures_in_its_own_words(self):
        found = [
            path for path in texts() if any(ord(character) > PICTURES for character in path.read_text(encoding="utf-8"))
        ]
        # In tests they are what is tested.
        assert [path for path in found if "tests" not in path.parts] == []
