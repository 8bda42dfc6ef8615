"""JSON in and out."""

from datetime import UTC, datetime
from uuid import UUID

import pytest
from django.utils.translation import gettext_lazy
from hypothesis import given
from hypothesis import strategies as st
from rest_framework.exceptions import ParseError, UnsupportedMediaType
from rest_framework.request import Request
from rest_framework.test import APIRequestFactory

from cedrina.http.json import OrjsonRenderer, StrictJSONParser, accepts_json, body_object, parse_object

values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=20,
)


class TestLoads:
    @given(st.dictionaries(st.text(), values, max_size=5))
    def test_reads_what_was_written_unless_it_holds_nul(self, document):
        import json

        text = json.dumps(document)
        if "\\u0000" in text.replace("\\\\", ""):
            with pytest.raises(ParseError):
                parse_object(text.encode())
        elif _is_writable(document):
            assert parse_object(text.encode()) == document

    def test_takes_an_escaped_backslash_for_what_it_is(self):
        assert parse_object(rb'{"a": "\\u0000"}') == {"a": r"\u0000"}

    def test_allows_32_levels_and_no_more(self):
        def nested(depth):
            return b'{"a": ' * depth + b"1" + b"}" * depth

        assert parse_object(nested(32))
        with pytest.raises(ParseError):
            parse_object(nested(33))

    @pytest.mark.parametrize("body", [b'{"a": 1e400}', b'{"a": [-1e400]}', b'{"a": NaN}', b"[]", b"", b'{"a":1,"a":1}'])
    def test_refuses(self, body):
        with pytest.raises(ParseError):
            parse_object(body)


class TestRender:
    def test_writes_times_in_utc_with_z(self):
        document = {"at": datetime(2026, 1, 5, 10, tzinfo=UTC), "id": UUID(int=1), "words": gettext_lazy("English")}
        written = OrjsonRenderer().render(document)
        assert written == b'{"at":"2026-01-05T10:00:00Z","id":"00000000-0000-0000-0000-000000000001","words":"English"}'

    def test_writes_nothing_for_nothing(self):
        assert OrjsonRenderer().render(None) == b""


class TestAcceptsJson:
    @pytest.mark.parametrize(
        "header", ["*/*", "", "application/json", "text/html, */*;q=0.1", "application/*", "application/problem+json"]
    )
    def test_agrees(self, header):
        assert accepts_json(header)

    @pytest.mark.parametrize("header", ["text/html", "application/json;q=0", "*/*, application/json;q=0.0", "*/*;q=0"])
    def test_declines(self, header):
        assert not accepts_json(header)


def _is_writable(document):
    """jiter refuses surrogates, as it should; text strategies make none."""
    return all("\0" not in str(key) for key in document)


class TestBodyObject:
    def request(self, body, content_type="application/json"):
        return APIRequestFactory().generic("POST", "/", body, content_type=content_type)

    def test_is_parsed_once_for_the_limiter_and_the_view(self):
        plain = self.request(b'{"a": 1}')
        found = body_object(plain)

        assert found == {"a": 1}
        assert body_object(plain) is found
        assert Request(plain, parsers=[StrictJSONParser()]).data is found

    @pytest.mark.parametrize("body", [b"", b"[]", b"{", b'{"a": 1, "a": 2}', b'{"a": "\\u0000"}', b"\xff"])
    def test_is_refused_each_time(self, body):
        plain = self.request(body)
        for _ in range(2):
            with pytest.raises(ParseError):
                body_object(plain)
        if body:
            with pytest.raises(ParseError):
                _ = Request(plain, parsers=[StrictJSONParser()]).data

    def test_does_not_replace_the_check_of_the_media_type(self):
        plain = self.request(b'{"a": 1}', content_type="application/json; charset=utf-16")
        body_object(plain)
        with pytest.raises(UnsupportedMediaType):
            _ = Request(plain, parsers=[StrictJSONParser()]).data
