"""Who changes addresses, accounts, programs or spellings is noticed."""

import itertools

import pytest

from ratelimiting import signals
from ratelimiting.detection import evasion
from ratelimiting.detection.evasion import DistinctValueCounter, FailedSignInDetector, ReportedKeys

KNOWN = frozenset({"/api/v1/auth/login", "/livez"})


@pytest.fixture
def told():
    found = []

    def noticed(pattern, score, reasons, data, **_more):
        found.append((pattern.value, score, list(reasons), data))

    signals.evasion_detected.connect(noticed)
    yield found
    signals.evasion_detected.disconnect(noticed)


class TestSignIns:
    def test_of_one_account_over_many_networks_are_noticed_once(self, told):
        watch = FailedSignInDetector()
        for number in range(50):
            watch.count(account="a", network=f"n{number}", user_agent="x", now=float(number))
        assert [(kind, score) for kind, score, *_ in told] == [("addresses_rotated", 60)]

    def test_of_many_accounts_from_one_network_are_noticed_once(self, told):
        watch = FailedSignInDetector()
        for number in range(50):
            watch.count(account=f"a{number}", network="n", user_agent="x", now=float(number))
        assert [kind for kind, *_ in told] == ["accounts_swept"]

    def test_by_many_programs_from_one_network_are_noticed_once(self, told):
        watch = FailedSignInDetector()
        for number in range(50):
            watch.count(account="a", network="n", user_agent=f"x{number}", now=float(number))
        assert [kind for kind, *_ in told] == ["user_agents_rotated"]

    def test_of_a_user_with_a_forgotten_password_are_not(self, told):
        watch = FailedSignInDetector()
        for number in range(100):
            watch.count(account="a", network=f"n{number % 3}", user_agent="x", now=float(number))
        assert told == []

    def test_spread_over_days_are_not(self, told):
        watch = FailedSignInDetector()
        for number in range(50):
            watch.count(account="a", network=f"n{number}", user_agent="x", now=number * 1000.0)
        assert told == []


class TestTheMemory:
    def test_is_bounded_whatever_comes(self):
        rotation, once = DistinctValueCounter(limit=3, capacity=10), ReportedKeys(capacity=10)
        for number in range(1000):
            rotation.add(number % 50, number, now=0.0)
            once.add(number, now=0.0)
        assert len(rotation._seen) == len(once._until) == 10
        assert max(len(values) for _, values in rotation._seen.values()) <= 3

    def test_ends_with_the_window(self):
        once = ReportedKeys(window=10)
        assert [once.add("k", now=now) for now in (0.0, 9.0, 10.0)] == [True, False, True]


class TestTricks:
    @pytest.mark.parametrize(
        ("path", "environ", "expected"),
        [
            ("/api/v1/auth/login", {}, []),
            ("/nowhere", {}, []),
            ("/api/v1/auth/login/", {}, ["trailing_slash"]),
            ("/API/v1/auth/Login", {}, ["upper_case"]),
            ("//api/v1/auth/login", {}, ["empty_segment"]),
            ("/api/v1/auth%2flogin", {}, ["encoded_separator"]),
            ("/api/v1/auth\\login", {}, ["encoded_separator"]),
            ("/api/v1/x/../auth/login", {}, ["dot_segment"]),
            ("/api/v1/./auth/login", {}, ["dot_segment"]),
            ("/api/v1/%2e%2e/auth/login", {}, ["encoded_dot"]),
            ("/api/v1/auth%252flogin", {}, ["double_encoding"]),
            ("/api/v1/auth;x=1/login", {}, ["path_parameter"]),
            ("/api/v1/auth/login%00", {}, ["control_character"]),
            ("/api/v1/auth/login", {"REQUEST_METHOD": "LOGIN"}, ["unknown_method"]),
            ("/api/v1/auth/login", {"HTTP_X_HTTP_METHOD_OVERRIDE": "GET"}, ["override"]),
            ("/livez", {"HTTP_X_ORIGINAL_URL": "/admin/"}, ["override"]),
            ("/api/v1/auth/login", {"asgi.scope": {"raw_path": b"/api/v1/auth%2Flogin"}}, ["encoded_separator"]),
            ("/api/v1/auth/login", {"RAW_URI": "/api/v1/%61uth/login?x=%2f"}, []),
        ],
    )
    def test_are_named(self, path, environ, expected):
        assert evasion.manipulations(environ, path=path, known=KNOWN) == expected

    def test_are_said_once_for_a_network_and_kind(self, told):
        for _ in range(5):
            evasion.inspect_unmatched_request({}, path="/livez/", network="n", known=KNOWN)
            evasion.inspect_unmatched_request({}, path="//livez/..", network="n", known=KNOWN)
        evasion.inspect_unmatched_request({}, path="/livez/", network="m", known=KNOWN)
        evasion.inspect_unmatched_request({}, path="/nowhere", network="m", known=KNOWN)
        assert [(score, reasons) for _, score, reasons, _ in told] == [
            (35, ["trailing_slash"]),
            (50, ["dot_segment", "empty_segment"]),
            (35, ["trailing_slash"]),
        ]

    @pytest.mark.attack("CWE-779")
    def test_of_one_network_are_few_events_however_they_are_combined(self, told):
        """They neither fill the trail nor use up what may be said of others in an hour."""
        parts = ("%2f", "%2e", "/./", "%25", "//", ";x", "%00")
        for chosen in itertools.product((True, False), repeat=len(parts)):
            path = "/nowhere" + "".join(part for part, is_in in zip(parts, chosen, strict=True) if is_in)
            for environ in ({}, {"REQUEST_METHOD": "ODD"}, {"HTTP_X_ORIGINAL_URL": "/"}):
                evasion.inspect_unmatched_request(environ, path=path, network="n", known=KNOWN)
        assert 0 < len(told) <= 11

        evasion.inspect_unmatched_request({}, path="/livez/", network="m", known=KNOWN)
        assert told[-1][2] == ["trailing_slash"]
