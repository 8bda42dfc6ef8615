"""The table of docs/faults.md names each test that breaks something, and no other."""

import re

from tests.programs.served import ROOT

NAMED = re.compile(r"`(tests/[\w/]+\.py)` \|$", re.MULTILINE)
MARK = re.compile(r"^(?:pytestmark = .*|\s*@)pytest\.mark\.fault", re.MULTILINE)


def test_names_each_file_with_a_fault():
    named = set(NAMED.findall((ROOT / "docs" / "faults.md").read_text()))
    marked = {
        str(path.relative_to(ROOT)) for path in (ROOT / "tests").rglob("test_*.py") if MARK.search(path.read_text())
    }
    assert named == marked
