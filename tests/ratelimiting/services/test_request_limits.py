"""One decision over all policies of a request."""

from ratelimiting.services.request_limits import decide_request
from ratelimiting.types import Caller, RequestAttributes
from tests.ratelimiting.policy_documents import document


def asked(**facts):
    return decide_request(attributes=RequestAttributes(**{"address": "203.0.113.7", "route": "login", **facts}))


class TestJudge:
    def test_refuses_what_is_too_much_and_says_for_how_long(self, policies):
        policies(document(limit=2))
        assert [asked().is_allowed for _ in range(3)] == [True, True, False]
        assert 0 < asked().retry_after <= 120

    def test_takes_nothing_where_one_level_refuses(self, policies):
        policies(document(name="narrow", limit=1), document(name="wide", limit=2, scope=["global"]))
        assert asked().is_allowed
        assert not asked().is_allowed
        assert asked(address="203.0.113.8").is_allowed

    def test_counts_by_the_parts_of_the_scope(self, policies):
        policies(document(limit=1, scope=["user", "endpoint"]))
        assert asked(caller=Caller("1")).is_allowed
        assert asked(caller=Caller("2")).is_allowed
        assert asked(caller=Caller("1"), route="other").is_allowed
        assert not asked(caller=Caller("1")).is_allowed

    def test_leaves_out_what_counts_something_that_is_not_there(self, policies):
        policies(document(limit=1, scope=["user"]), document(name="account", limit=1, scope=["account"]))
        assert all(asked().is_allowed for _ in range(3))
        assert asked(find_key={"account": "ada"}.get).is_allowed
        assert not asked(find_key={"account": "ada"}.get).is_allowed

    def test_counts_a_network_of_ipv6_and_an_unknown_address_as_one(self, policies):
        policies(document(limit=1))
        for one, other in (("2001:db8::1", "2001:db8::ffff:1"), ("::ffff:192.0.2.1", "192.0.2.1"), (None, "junk")):
            assert asked(address=one).is_allowed
            assert not asked(address=other).is_allowed

    def test_shows_the_tightest_that_may_be_shown(self, policies):
        policies(
            document(name="wide", limit=9),
            document(name="near", limit=5),
            document(name="account", limit=2, scope=["account"]),
        )
        shown = asked(find_key={"account": "ada"}.get).advertised
        assert (shown.level.policy, shown.remaining) == ("near", 4)

    def test_allows_by_policies_in_shadow_mode_and_when_switched_off(self, policies):
        policies(document(limit=1, mode="shadow"))
        assert all(asked().is_allowed for _ in range(3))
        assert asked().advertised is None
        policies(document(limit=1), ENABLED=False)
        assert all(asked().is_allowed for _ in range(3))
