"""The text of a statement in a span has no constant, however it is written."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cedrina.monitoring.tracing.statements import MOST_CHARACTERS, describe


class TestDescribe:
    @pytest.mark.parametrize(
        ("sql", "text"),
        [
            ("SELECT 1,\n  'a''b', x FROM t1 WHERE y = %(name)s", "SELECT ?, ?, x FROM t1 WHERE y = %(name)s"),
            ("SELECT E'it\\'s', $1, $body$secret$body$, $$secret$$", "SELECT ?, $1, ?, ?"),
            ("SELECT \"Bob's\", 'secret'", 'SELECT "Bob\'s", ?'),
            ("SELECT 1 -- the user's\n, 'secret'", "SELECT ? , ?"),
            ("SELECT 'never ends", "SELECT ?"),
            ("SELECT .75, 1e10, 2.5E-3, 0x1F, 1_000, a1 FROM t2", "SELECT ?, ?, ?, ?, ?, a1 FROM t2"),
            ("SELECT U&'secret', b'0101', X'1F'", "SELECT U&?, b?, X?"),
            ("/* the user's */ UPDATE t SET a = 12.50 WHERE b = 'secret'", "UPDATE t SET a = ? WHERE b = ?"),
        ],
    )
    def test_shows_the_form_and_no_constant(self, sql, text):
        assert describe(sql).text == text

    def test_names_the_operation_behind_comments(self):
        assert describe("-- why\n /* what */ with a AS (SELECT 1) DELETE FROM b").operation == "WITH"
        assert describe("").operation == "SQL"

    def test_shows_no_text_behind_a_comment_within_a_comment(self):
        assert describe("SELECT /* a /* b */ it's */ 'secret'") == ("SELECT", "")

    def test_keeps_a_long_statement_short(self):
        assert len(describe("SELECT " + "a, " * 5000).text) == MOST_CHARACTERS

    @pytest.mark.property
    @given(st.text(alphabet="a'\\- \n\"$/*é", max_size=30))
    def test_a_quoted_value_never_shows(self, noise):
        value = "PLANTED" + noise
        quoted = value.replace("'", "''")
        for sql in (f"SELECT '{quoted}' FROM t", f"SELECT a -- it's\n, '{quoted}', \"x'y\""):
            assert "PLANTED" not in describe(sql).text
