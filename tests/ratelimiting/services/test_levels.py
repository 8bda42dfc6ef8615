"""Which levels apply to a request, and to a key that a service names."""

from ratelimiting.services.active_policies import PolicySet, activate
from ratelimiting.services.levels import level_for, levels_for_key, levels_for_request
from ratelimiting.types import Caller, RequestAttributes
from tests.ratelimiting.policy_documents import policy


def levels(*policies, **attributes):
    found = PolicySet(version=0, policies={each.name: each for each in policies}, sources={})
    return levels_for_request(attributes=RequestAttributes(**attributes), policies=found)


class TestLevelsForRequest:
    def test_takes_each_part_of_the_key_from_the_request(self):
        every = policy(scope=["ip", "user", "tier", "endpoint", "account"])
        ((level, parts),) = levels(
            every,
            address="203.0.113.7",
            route="login",
            caller=Caller(user="7", tier="pro"),
            find_key={"account": "ada"}.get,
        )
        assert parts == {"ip": "203.0.113.7", "user": "7", "tier": "pro", "endpoint": "login", "account": "ada"}
        assert (level.policy, level.quota, level.cost) == ("some", every.quota, 1)

    def test_leaves_out_a_policy_whose_key_the_request_lacks(self):
        assert levels(policy(scope=["user"]), policy(name="other", scope=["account"])) == []

    def test_adds_the_wider_networks_of_ipv6(self):
        found = levels(policy(limit=2), address="2001:db8:1:2::7")
        assert [(parts["ip"], level.quota.limit) for level, parts in found] == [
            ("2001:db8:1:2::/64", 2),
            ("2001:db8:1::/56", 8),
            ("2001:db8:1::/48", 32),
        ]


class TestLevelsForKey:
    def test_replaces_the_cost_at_every_level(self):
        found = levels_for_key(active=activate(policy=policy()), parts={"ip": "2001:db8:1:2::/64"}, cost=5)
        assert [level.cost for level, _ in found] == [5, 5, 5]


class TestLevelFor:
    def test_takes_what_is_not_replaced_from_the_policy(self):
        some = policy(cost=2, mode="shadow", on_store_failure="deny")
        level = level_for(active=activate(policy=some), parts={"ip": "203.0.113.7"})
        assert (level.cost, level.mode, level.on_store_failure) == (2, some.mode, some.on_store_failure)
