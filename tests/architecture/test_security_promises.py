"""What `docs/security.md` promises is shown by the files that it names."""

import re

import pytest

from tests.architecture.source import ROOT

ATTACKS = ROOT / "tests" / "attacks"
PAGE = (ROOT / "docs" / "security.md").read_text(encoding="utf-8")
NAMED = re.compile(r"`((?:[a-z_]+/)*[a-z0-9_]+\.py)`")


def rows():
    promises = PAGE.partition("## What is promised")[2].partition("\n## ")[0]
    return [line for line in promises.splitlines() if line.startswith("| **")]


@pytest.mark.parametrize("row", rows(), ids=lambda row: row[4:40])
def test_each_promise_names_files_that_are_there(row):
    named = NAMED.findall(row.rpartition("|")[0].rpartition("|")[2])

    assert named
    assert [name for name in named if not ((ROOT / name).is_file() or any(ATTACKS.rglob(name)))] == []


def test_every_attack_is_named():
    attacks = {path.name for path in ATTACKS.rglob("test_*.py")}

    assert {name for name in attacks if f"`{name}`" not in PAGE} == set()
