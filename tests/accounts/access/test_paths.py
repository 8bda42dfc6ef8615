"""Objects and patterns. Each attack is one that a pattern function of Casbin lets through."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from accounts.access.deciding.paths import MAX_LENGTH, MAX_SEGMENTS, object_segments, pattern_segments
from accounts.access.errors import RuleInvalid


class TestAnObject:
    @pytest.mark.parametrize(
        ("path", "segments"),
        [
            ("documents/42", ("documents", "42")),
            ("/documents/42", ("documents", "42")),
            ("documents", ("documents",)),
            ("documents/*/a b/%2F/é/نامه\u200cها", ("documents", "*", "a b", "%2F", "é", "نامه\u200cها")),
            ("/".join("a" * MAX_SEGMENTS), ("a",) * MAX_SEGMENTS),
        ],
    )
    def test_is_its_segments(self, path, segments):
        assert object_segments(path) == segments

    @pytest.mark.parametrize(
        "path",
        [
            "",
            "/",
            "//documents",
            "documents//42",
            "documents/",
            "documents/../secrets",
            "./documents",
            "documents/.",
            "documents\n",
            "documents/a\nb",
            "documents/a\rb",
            "documents/a\0b",
            "documents/a\x7fb",
            "documents/a\u2028b",
            "documents/\ud800",
            "a" * (MAX_LENGTH + 1),
            "/".join("a" * (MAX_SEGMENTS + 1)),
        ],
    )
    def test_of_another_form_is_none(self, path):
        assert object_segments(path) is None

    @given(st.text(max_size=600))
    def test_never_fails_and_keeps_what_it_takes(self, path):
        segments = object_segments(path)
        assert segments is None or "/".join(segments) == path.removeprefix("/")


class TestAPattern:
    @pytest.mark.parametrize("pattern", ["documents/*", "documents/**", "**", "*", "*/a/*", "/documents/*/notes"])
    def test_has_wildcards_as_whole_segments(self, pattern):
        assert pattern_segments(pattern)[-1] in {"*", "**", "notes"}

    @pytest.mark.parametrize("pattern", ["a*", "*a", "a/b*c", "**/a", "a/**/b", "***", "a/***", "", "a/../**", "a\n/*"])
    def test_has_them_nowhere_else(self, pattern):
        with pytest.raises(RuleInvalid) as caught:
            pattern_segments(pattern)
        assert caught.value.member == "object"
