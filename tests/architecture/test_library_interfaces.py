"""Libraries are used by their public interface, so that a new version breaks nothing that it did not announce."""

import ast
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
APPS = ("accounts", "cedrina", "ratelimiting", "security_events", "tokens", "tests")
FILES = sorted(path for app in APPS for path in (ROOT / app).rglob("*.py"))


def imported(path):
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.ImportFrom):
            yield node.module or ""
        elif isinstance(node, ast.Import):
            yield from (name.name for name in node.names)


def test_allauth_is_never_imported_from_its_internal_packages():
    users = {
        str(path.relative_to(ROOT)): module
        for path in FILES
        for module in imported(path)
        if module.startswith("allauth.") and "internal" in module.split(".")
    }
    assert users == {}


@pytest.mark.parametrize("folder", ["factors", "providers", "bridge", "services"])
def test_no_request_is_made_up(folder):
    makers = [
        str(path.relative_to(ROOT))
        for path in (ROOT / "accounts" / folder).rglob("*.py")
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.Call) and getattr(node.func, "id", "") in ("HttpRequest", "request_context")
    ]
    assert makers == []
