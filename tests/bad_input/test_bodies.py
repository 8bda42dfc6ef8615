"""Bodies that are no JSON object, or one that is too large or too deep."""

import gzip
import json

import pytest

from tests.described import calls, with_body
from tests.problem_shape import assert_acceptable, assert_problem

KIB = 1024
MALFORMED = {
    "nothing": b"",
    "blank": b"  \n ",
    "null": b"null",
    "a number": b"1",
    "a string": b'"a"',
    "true": b"true",
    "an array": b"[]",
    "an array of objects": b'[{"username": "a"}]',
    "half an object": b'{"username": ',
    "two objects": b"{}{}",
    "an object and more": b"{} x",
    "a trailing comma": b'{"username": "a",}',
    "single quotes": b"{'username': 'a'}",
    "a comment": b'{/* */ "username": "a"}',
    "NaN": b'{"username": NaN}',
    "Infinity": b'{"username": -Infinity}',
    "1e400": b'{"username": 1e400}',
    "a leading zero": b'{"username": 01}',
    "a bare word": b"{username: 1}",
    "duplicate keys": b'{"username": "a", "username": "b"}',
    "duplicate keys, escaped": b'{"username": "a", "\\u0075sername": "b"}',
    "duplicate keys, nested": b'{"a": {"b": 1, "b": 2}}',
    "a raw NUL": b'{"username": "a\x00b"}',
    "an escaped NUL": b'{"username": "a\\u0000b"}',
    "a NUL in a name": b'{"a\\u0000b": 1}',
    "a raw newline": b'{"username": "a\nb"}',
    "half a pair": b'{"username": "\\ud800"}',
    "a wrong escape": b'{"username": "\\x41"}',
    "invalid UTF-8": b'{"username": "\xff\xfe"}',
    "an overlong slash": b'{"username": "\xc0\xaf"}',
    "an encoded surrogate": b'{"username": "\xed\xa0\x80"}',
    "cut UTF-8": b'{"username": "\xe2\x82"}',
    "UTF-16": '{"username": "a"}'.encode("utf-16"),
    "UTF-32": '{"username": "a"}'.encode("utf-32"),
    "a BOM": b'\xef\xbb\xbf{"username": "a"}',
    "Latin-1": '{"username": "\xe9"}'.encode("latin-1"),
    "depth 33": b'{"a": ' * 33 + b"1" + b"}" * 33,
    "depth 10,000 of arrays": b'{"a": ' + b"[" * 10_000 + b"]" * 10_000 + b"}",
    "depth 60,000, never closed": b'{"a": ' + b"[" * 60_000,
    "a form": b"username=a&password=b",
    "XML": b"<?xml version='1.0'?><a/>",
    "gzip": gzip.compress(b'{"username": "a"}'),
}


def name_of(value):
    return getattr(value, "name", value)


class TestAMalformedBody:
    @pytest.mark.parametrize("raw", MALFORMED.values(), ids=MALFORMED.keys())
    def test_is_refused_by_every_call(self, send, raw):
        for call in with_body():
            answer = send(call.method, call.path, raw, signed_in=not call.is_public, **call.headers)

            if raw == b"" and answer.status_code == 422:
                continue  # no body at all may also count as an empty object, whose members are missing
            if raw == b"" and not call.required:
                assert_acceptable(answer)
                continue
            assert_problem(answer, status=400, code="malformed_request")

    @pytest.mark.parametrize(
        "digits", ["9" * 6000, "-" + "9" * 6000, "1." + "9" * 6000, "1e-6000", "0." + "0" * 6000 + "1"]
    )
    def test_is_not_what_a_long_number_makes_but_it_is_no_string_either(self, send, digits):
        for call in with_body():
            member = next(iter(call.members))
            raw = json.dumps({**call.example, member: "@"}).replace('"@"', digits).encode()

            answer = send(call.method, call.path, raw, signed_in=not call.is_public, **call.headers)

            problem = assert_problem(answer)
            assert problem["status"] in (400, 422)


class TestALargeBody:
    @pytest.mark.parametrize("size", [64 * KIB + 1, 1024 * KIB])
    def test_is_refused(self, send, size):
        for call in with_body():
            raw = json.dumps({**call.example, "x": ""}).encode()
            raw = raw[:-2] + b"a" * (size - len(raw)) + raw[-2:]

            answer = send(call.method, call.path, raw, signed_in=not call.is_public, **call.headers)

            assert_problem(answer, status=413, code="payload_too_large")

    def test_of_just_the_limit_is_read(self, send):
        raw = b'{"username": "a", "password": "b"' + b" " * (64 * KIB - 34) + b"}"

        assert len(raw) == 64 * KIB
        assert_problem(send("POST", "/api/v1/auth/login", raw, signed_in=False), status=401)


class TestAContentType:
    @pytest.mark.parametrize(
        "content_type",
        [
            "text/plain",
            "application/x-www-form-urlencoded",
            "multipart/form-data; boundary=x",
            "application/xml",
            "application/json; charset=latin-1",
            "application/json; charset=utf-16",
            "application/jsonx",
            "json",
            ";",
            "application/json, text/plain",
            "application/problem+json",
            "a" * 3000,
            "text/json",
            "*/*",
            "application/json\u00e9",
        ],
    )
    def test_other_than_json_is_refused(self, send, content_type):
        for call in with_body():
            raw = json.dumps(call.example).encode()

            answer = send(
                call.method, call.path, raw, signed_in=not call.is_public, content_type=content_type, **call.headers
            )

            assert_problem(answer, status=415, code="unsupported_media_type")

    @pytest.mark.parametrize(
        "content_type", ["application/json", "application/json; charset=utf-8", 'Application/JSON;charset="UTF-8"']
    )
    def test_of_json_is_taken_in_every_spelling(self, send, content_type):
        raw = b'{"username": "a", "password": "b"}'

        assert_problem(send("POST", "/api/v1/auth/login", raw, signed_in=False, content_type=content_type), status=401)

    @pytest.mark.parametrize("encoding", ["gzip", "deflate", "br", "zstd", "gzip, gzip", "x"])
    def test_with_compression_is_refused_before_it_is_unpacked(self, send, encoding):
        bomb = gzip.compress(b'{"username": "' + b"a" * 20_000_000 + b'"}')
        assert len(bomb) < 64 * KIB
        for call in with_body():
            answer = send(
                call.method,
                call.path,
                bomb,
                signed_in=not call.is_public,
                **call.headers,
                **{"Content-Encoding": encoding},
            )

            assert_problem(answer, status=415, code="unsupported_media_type")


class TestABodyWhereNoneIsDue:
    @pytest.mark.parametrize("call", [call for call in calls() if call.example is None], ids=name_of)
    def test_does_no_harm(self, send, call):
        for raw in (b"{}", b"junk", b"\xff" * 1000, b"[" * 60_000):
            assert_acceptable(send(call.method, call.path, raw, signed_in=not call.is_public, **call.headers))
