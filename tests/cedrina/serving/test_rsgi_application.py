"""A request of granian's, spelt as WSGI does."""

from types import SimpleNamespace

from cedrina.serving.rsgi_application import build_environ


def environ(*headers, **changes):
    scope = {
        "http_version": "1.1",
        "server": "127.0.0.1:8000",
        "client": "192.0.2.1:4711",
        "scheme": "http",
        "method": "GET",
        "path": "/",
        "query_string": "a=b",
        "authority": None,
        "headers": SimpleNamespace(items=lambda: headers),
    }
    return build_environ(SimpleNamespace(**{**scope, **changes}))


class TestBuildEnviron:
    def test_spells_headers(self):
        found = environ(("content-type", "a/b"), ("content-length", "3"), ("x-forwarded-for", "1.1.1.1"))
        assert (found["CONTENT_TYPE"], found["CONTENT_LENGTH"]) == ("a/b", "3")
        assert found["HTTP_X_FORWARDED_FOR"] == "1.1.1.1"
        assert (found["SERVER_NAME"], found["SERVER_PORT"]) == ("127.0.0.1", "8000")

    def test_joins_what_comes_twice(self):
        assert environ(("accept", "a"), ("accept", "b"))["HTTP_ACCEPT"] == "a,b"

    def test_drops_underscores(self):
        found = environ(("x_forwarded_for", "6.6.6.6"), ("x-forwarded-for", "1.1.1.1"))
        assert found["HTTP_X_FORWARDED_FOR"] == "1.1.1.1"
        assert "HTTP_X_FORWARDED_FOR" not in environ(("x_forwarded_for", "6.6.6.6"))

    def test_takes_the_authority_for_the_host(self):
        """HTTP/2 has no Host header (RFC 9113, 8.3.1)."""
        assert environ(authority="id.example.com")["HTTP_HOST"] == "id.example.com"

    def test_spells_paths_in_latin_1(self):
        assert environ(path="/é")["PATH_INFO"].encode("latin-1").decode() == "/é"
