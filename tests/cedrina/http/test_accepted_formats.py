import pytest

from cedrina.http.accepted_formats import preferred_format

CHROMIUM = (
    "text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,image/webp,image/apng,*/*;q=0.8,"
    "application/signed-exchange;v=b3;q=0.7"
)


class TestPreferredFormat:
    @pytest.mark.parametrize(
        ("header", "preferred"),
        [
            (CHROMIUM, "html"),
            ("text/html", "html"),
            ("TEXT/HTML; charset=utf-8; q=0.5, application/json;q=0.5", "html"),
            ("text/html;q=0.4, application/json;q=0.5", "json"),
            ("application/json, text/plain, */*", "json"),  # axios
            ("application/problem+json", "json"),
            ("*/*", None),  # curl, fetch
            ("", None),
            ("image/avif,image/webp,*/*;q=0.8", None),
            ("text/html;q=0", None),
            ("text/html;q=0, application/json", "json"),
            ("text/html;q=nan", None),
            ("text/html;q=1e5", None),
            (";,;q=,text/html;q", None),
            (";,;q=,text/html;level=1", "html"),
        ],
    )
    def test_is_what_the_header_names_with_more_weight(self, header, preferred):
        assert preferred_format(header) == preferred

    def test_reads_the_beginning_of_a_long_header_only(self):
        assert preferred_format("a/b," * 200 + "text/html") == "html"
        assert preferred_format("a/b," * 300 + "text/html") is None
