"""docs/permissions.md has the tables that follow from what is enforced."""

import os

import pytest

from tests.architecture.source import ROOT
from tests.cedrina.guarding.permission_tables import admin_pages, tables

PAGE = ROOT / "docs" / "permissions.md"
MARK = "## Permissions\n\n"


@pytest.mark.django_db
def test_the_page_has_the_tables(now):
    text = PAGE.read_text(encoding="utf-8")
    written, _mark, _tables = text.partition(MARK)
    expected = written + MARK + tables(now)
    if os.environ.get("WRITE_PERMISSIONS_PAGE"):
        PAGE.write_text(expected, encoding="utf-8")
    assert text == expected


@pytest.mark.django_db
def test_each_page_of_the_admin_names_a_permission():
    assert [label for label, names in admin_pages().items() if not names] == []
