"""What a policy may say; every mistake is named."""

import pytest

from ratelimiting.errors import PolicyInvalid
from ratelimiting.policy_schema import KnownNames, merge_policy, parse_policy
from ratelimiting.types import Algorithm, Mode, OnStoreFailure
from tests.ratelimiting.policy_documents import document, policy


def faults(**members):
    with pytest.raises(PolicyInvalid) as refusal:
        parse_policy(document(**members), known=KnownNames(keys=("account",)), source="here")
    return refusal.value.faults


class TestRead:
    def test_takes_what_is_left_out_from_the_defaults(self):
        found = policy()
        assert (found.algorithm, found.mode, found.cost) == (Algorithm.SLIDING_WINDOW, Mode.ENFORCE, 1)
        assert (found.match.routes, found.on_store_failure) == (("*",), OnStoreFailure.LOCAL)

    def test_gives_back_the_same_document(self):
        whole = policy(
            algorithm="token_bucket",
            burst=9,
            scope=["user", "account"],
            mode="shadow",
            cost=2,
            description="D",
            match={"routes": ["a*"], "methods": ["POST"], "tier": "pro", "unless": ["other"]},
        ).document()
        assert parse_policy(whole, known=KnownNames(keys=("account",))).document() == whole

    @pytest.mark.parametrize(
        ("members", "member", "says"),
        [
            ({"name": "Not good"}, "name", "lower case"),
            ({"limit": 0}, "limit", "from 1 to 1000000000"),
            ({"limit": "5"}, "limit", "whole number"),
            ({"limit": True}, "limit", "whole number"),
            ({"limit": 1.5}, "limit", "whole number"),
            ({"window": 10**9}, "window", "2678400"),
            ({"algorithm": "leaky"}, "algorithm", "token_bucket, sliding_window, fixed_window"),
            ({"algorithm": ["fixed_window"]}, "algorithm", "must be one of"),
            ({"mode": "on"}, "mode", "enforce, shadow, off"),
            ({"on_store_failure": "panic"}, "on_store_failure", "local, allow, deny"),
            ({"burst": 5}, "burst", "token_bucket alone"),
            (
                {"algorithm": "token_bucket", "limit": 1, "window": 2678400, "burst": 10**9},
                "burst",
                "could not be counted exactly",
            ),
            ({"cost": 3}, "cost", "no request would pass"),
            ({"scope": []}, "scope", "each part once"),
            ({"scope": ["ip", "ip"]}, "scope", "each part once"),
            ({"scope": ["global", "ip"]}, "scope", "global by itself"),
            (
                {"scope": ["ipp"]},
                "scope",
                "ipp is no part of a key; there are global, tier, user, ip, endpoint, account",
            ),
            ({"scope": "ip"}, "scope", "must be a list"),
            ({"match": {"methods": ["post"]}}, "match.methods", "GET, HEAD, POST"),
            ({"match": {"route": ["x"]}}, "match.route", "routes, methods, tier, unless"),
            ({"match": {"routes": [5]}}, "match.routes", "text on one line"),
            ({"match": []}, "match", "must be an object"),
            ({"description": "two\nlines"}, "description", "text on one line"),
            ({"description": "x" * 201}, "description", "200 characters"),
            ({"limits": 5}, "limits", "is no member; there are name, description"),
        ],
    )
    def test_names_the_policy_the_member_and_what_is_allowed(self, members, member, says):
        (fault,) = faults(**members)
        assert (fault.member, fault.source) == (member, "here")
        assert says in fault.message
        assert str(fault).startswith("here: policy '")

    def test_names_all_mistakes_at_once(self):
        assert {fault.member for fault in faults(limit=0, mode="on", scope=["x"])} == {"limit", "mode", "scope"}

    def test_misses_what_must_be_there(self):
        with pytest.raises(PolicyInvalid) as refusal:
            parse_policy({"name": "a"})
        assert {(fault.member, fault.code) for fault in refusal.value.faults} == {
            ("limit", "required"),
            ("window", "required"),
            ("scope", "required"),
        }

    @pytest.mark.parametrize("junk", [None, [], "x", 5])
    def test_refuses_what_is_no_object(self, junk):
        with pytest.raises(PolicyInvalid, match="must be an object"):
            parse_policy(junk)


class TestMerged:
    def test_keeps_what_a_change_leaves_out(self):
        before = document(match={"routes": ["a"], "methods": ["POST"]})
        assert merge_policy(before, {"limit": 9, "match": {"routes": ["b"]}}) == {
            **before,
            "limit": 9,
            "match": {"routes": ["b"], "methods": ["POST"]},
        }


class TestMatch:
    @pytest.mark.parametrize(
        ("match", "route", "method", "tier", "fits"),
        [
            ({}, "login", "GET", None, True),
            ({}, "", "GET", None, True),
            ({"routes": ["login"]}, "login", "POST", None, True),
            ({"routes": ["login"]}, "logins", "POST", None, False),
            ({"routes": ["admin:*"]}, "admin:login", "POST", None, True),
            ({"routes": []}, "login", "POST", None, False),
            ({"methods": ["POST"]}, "login", "GET", None, False),
            ({"tier": "pro"}, "login", "GET", "free", False),
            ({"tier": "pro"}, "login", "GET", "pro", True),
        ],
    )
    def test_goes_by_route_method_and_tier(self, match, route, method, tier, fits):
        assert policy(match=match).match.fits(route=route, method=method, tier=tier) is fits
