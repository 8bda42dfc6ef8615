"""Spellings of a path, a method or a header open no new bucket."""

import pytest
from django.test import Client

from ratelimiting.services.request_limits import decide_request
from ratelimiting.types import RequestAttributes
from tests.ratelimiting.policy_documents import NAMED_KEYS, document

pytestmark = pytest.mark.attack("OWASP API4:2023")


@pytest.fixture
def limited(settings):
    def give(**members):
        settings.RATELIMITING = {
            **settings.RATELIMITING,
            "POLICIES": [document(limit=1, **members)],
            "KEYS": NAMED_KEYS,
        }

    return give


def send(path, method="GET", **headers):
    environ = {"PATH_INFO": path, "REQUEST_METHOD": method, **headers}
    return Client(raise_request_exception=False).request(**environ).status_code


class TestPaths:
    @pytest.mark.parametrize(
        "trick",
        [
            "/livez/",
            "//livez",
            "/Livez",
            "/LIVEZ",
            "/./livez",
            "/livez/.",
            "/livez;a=1",
            "/livez%2f",
            "/livez%00",
            "/livez\t",
            "/%6civez",
            "/x/../livez",
            "/livez\u00e4",
            "/livez?",
        ],
    )
    def test_that_lead_nowhere_share_one_bucket_with_each_other(self, limited, trick):
        limited(scope=["endpoint"])
        assert send("/no/such/path") == 404
        assert send(trick) == 429

    @pytest.mark.parametrize("query", ["a=1", "a=2", "%00", "x" * 500])
    def test_with_another_query_are_the_same(self, limited, query):
        limited(scope=["endpoint"])
        assert send("/livez") == 200
        assert send("/livez", QUERY_STRING=query) == 429

    def test_with_another_id_are_the_same(self, limited):
        limited(scope=["endpoint"])
        ids = ["019b8d5a-4c1e-7a30-9f52-0d6f6b0f8a11", "019b8d5a-4c1e-7a30-9f52-0d6f6b0f8a12"]
        assert [send(f"/api/v1/auth/sessions/{one}", "DELETE") for one in ids] == [401, 429]


class TestMethods:
    @pytest.mark.parametrize("method", ["HEAD", "GET", "get"])
    def test_that_mean_get_are_one(self, limited, method):
        limited(match={"methods": ["GET"]})
        assert send("/livez") == 200
        assert send("/livez", method.upper()) == 429

    @pytest.mark.parametrize("method", ["FOO", "PURGE", "POST", "OPTIONS"])
    def test_of_any_kind_count(self, limited, method):
        limited()
        assert send("/livez", "GET") == 200
        assert send("/livez", method) == 429

    @pytest.mark.parametrize("name", ["HTTP_X_HTTP_METHOD_OVERRIDE", "HTTP_X_METHOD_OVERRIDE", "HTTP_X_HTTP_METHOD"])
    def test_are_not_overridden_by_headers(self, limited, name):
        limited(match={"methods": ["GET"]})
        assert send("/livez") == 200
        assert send("/livez", **{name: "POST"}) == 429


class TestHeaders:
    @pytest.mark.parametrize(
        "name",
        [
            "X_FORWARDED_FOR",
            "FORWARDED",
            "X_REAL_IP",
            "CLIENT_IP",
            "TRUE_CLIENT_IP",
            "CF_CONNECTING_IP",
            "X_ORIGINATING_IP",
            "X_CLUSTER_CLIENT_IP",
            "VIA",
            "USER_AGENT",
            "X_CORRELATION_ID",
            "COOKIE",
            "HOST",
        ],
    )
    def test_of_a_stranger_change_nothing(self, limited, name):
        limited()
        value = {"FORWARDED": "for=198.51.100.9", "HOST": "localhost:99"}.get(name, "198.51.100.9")
        assert send("/livez") == 200
        assert send("/livez", **{f"HTTP_{name}": value}) == 429

    @pytest.mark.parametrize("value", ["Bearer x", "Bearer", "bearer a.b.c", "Basic Zm9v", "Bearer " + "e" * 5000])
    def test_that_are_no_token_leave_the_address_limit(self, limited, value):
        limited()
        assert send("/livez") == 200
        assert send("/livez", HTTP_AUTHORIZATION=value) == 429


class TestInventedUsers:
    def test_need_a_signature(self, limited, mint):
        limited(scope=["user"])
        assert send("/livez", HTTP_AUTHORIZATION=f"Bearer {mint.claims()}") == 200
        assert send("/livez", HTTP_AUTHORIZATION=f"Bearer {mint.claims(jti='another')}") == 429
        # Somebody whose token expired long ago is nobody, and can't use up what its owner has.
        assert send("/livez", HTTP_AUTHORIZATION=f"Bearer {mint.claims(exp=5)}") == 200


class TestPolicies:
    def test_do_not_grow_with_what_is_invented(self, limited):
        limited(scope=["endpoint"])
        outcomes = [
            decide_request(
                attributes=RequestAttributes(route="", method=f"M{number}", address="203.0.113.7")
            ).is_allowed
            for number in range(5)
        ]
        assert outcomes == [True, False, False, False, False]
