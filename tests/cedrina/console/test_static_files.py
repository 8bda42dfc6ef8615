"""The files of the console: uPlot is the published one, and nothing in our scripts makes markup or code from texts."""

import hashlib
import re
from pathlib import Path

import pytest

STATIC = Path(__file__).resolve().parents[3] / "cedrina" / "static" / "cedrina"
# Of dist/ in uplot-1.6.32.tgz of the npm registry, whose own digest (sha256) is
# 4b8a8191e425658e3ea8c8c1314b0fc679c861ee3a1af2b20c7b16ba50b5133d.
PUBLISHED = {
    "uPlot.iife.min.js": "19c8d4c6ad88929a79f4ae49d6f7161566dfd0ba3d15cc495e974f787eb78f1f",
    "uPlot.min.css": "df630c6a8d6f8eeaff264b50f73ce5b114f646ffd9a0bb74f049b0a00135fa04",
}


def digest(path):
    return hashlib.sha256(path.read_bytes()).hexdigest()


class TestUplot:
    def test_is_the_published_file(self):
        assert {name: digest(STATIC / "uplot" / name) for name in PUBLISHED} == PUBLISHED

    def test_stands_beside_its_licence_and_the_digests(self):
        noted = dict(reversed(line.split()) for line in (STATIC / "uplot" / "SHA256SUMS").read_text().splitlines())
        assert {name: digest(STATIC / "uplot" / name) for name in noted} == noted
        assert set(noted) == {*PUBLISHED, "LICENSE"}
        assert "MIT License" in (STATIC / "uplot" / "LICENSE").read_text()


@pytest.mark.attack("CWE-79")
@pytest.mark.parametrize("script", sorted((STATIC / "console").glob("*.js")), ids=lambda path: path.name)
def test_scripts_set_texts_and_no_markup(script):
    text = script.read_text(encoding="utf-8")
    assert not re.search(
        r"innerHTML|outerHTML|insertAdjacentHTML|document\.write|\beval\b|new Function|\.style\b", text
    )
