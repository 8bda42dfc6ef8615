"""Whoever has a /48 of IPv6 has 65,536 networks of /64, and no more requests than its share for that."""

from ipaddress import ip_address

import pytest
from django.test import Client
from hypothesis import given
from hypothesis import strategies as st

from cedrina.settings.rate_limits import profile
from ratelimiting.algorithms import evaluation
from ratelimiting.errors import PolicyInvalid
from ratelimiting.policy_schema import LARGEST_LIMIT, LONGEST_WINDOW_SECONDS
from ratelimiting.services import named_limits
from ratelimiting.services.active_policies import WIDER_FACTORS, activate, current
from ratelimiting.services.levels import levels_for_request
from ratelimiting.services.request_limits import decide_request
from ratelimiting.types import RequestAttributes
from tests.ratelimiting.policy_documents import NAMED_KEYS, document, policy

pytestmark = pytest.mark.attack("RFC 6177, 2; CWE-770")
BASE = int(ip_address("2001:db8:1::"))


def address(*, network, within=1):
    """Return an address of one of the /64s of a /48."""
    return str(ip_address(BASE + (network << 64) + within))


@pytest.fixture
def limited(settings):
    def give(**members):
        settings.RATELIMITING = {
            **settings.RATELIMITING,
            "POLICIES": [document(**{"limit": 10, "window": 3600, **members})],
            "KEYS": NAMED_KEYS,
        }

    return give


def passed(addresses, **facts):
    return sum(decide_request(attributes=RequestAttributes(address=one, **facts)).is_allowed for one in addresses)


class TestRequests:
    def test_from_one_network_have_its_limit(self, limited):
        limited()
        assert passed(address(network=7, within=number) for number in range(50)) == 10

    def test_from_the_networks_of_one_home_have_four_times_the_quota(self, limited):
        limited()
        assert passed(address(network=number % 256) for number in range(200)) == 40
        # Its neighbour is another customer.
        assert passed([address(network=256)]) == 1

    def test_from_all_networks_of_a_site_have_sixteen_times_as_much(self, limited):
        limited()
        assert passed(address(network=number * 256 % 65_536 + number // 256) for number in range(1000)) == 160
        assert passed([str(ip_address(BASE + (1 << 80)))]) == 1

    def test_of_ipv4_have_one_level(self, limited):
        limited()
        counted = levels_for_request(attributes=RequestAttributes(address="203.0.113.7"), policies=current())
        assert len(counted) == 1
        assert passed(["203.0.113.7", "::ffff:203.0.113.7"] * 10) == 10

    def test_take_nothing_from_the_wider_networks_when_they_are_refused(self, limited):
        limited()
        assert passed(address(network=0) for _ in range(500)) == 10
        assert passed(address(network=number) for number in range(1, 100)) == 30

    def test_are_counted_by_name_and_network_where_a_policy_says_so(self, limited):
        limited(scope=["ip", "account"])
        names = {"account": "ada"}.get
        assert passed((address(network=number) for number in range(100)), find_key=names) == 40
        assert passed([address(network=200)], find_key={"account": "bob"}.get) == 1

    @pytest.mark.django_db
    def test_over_http_are_refused_too(self, limited, settings):
        limited()
        statuses = [Client().get("/livez", REMOTE_ADDR=address(network=number)).status_code for number in range(60)]
        assert statuses == [200] * 40 + [429] * 20


class TestShippedPolicies:
    def test_all_hold_back_a_site(self, settings):
        settings.RATELIMITING = {**settings.RATELIMITING, "POLICIES": profile("production")}
        by_ip = [found for found in current().policies.values() if "ip" in found.scope]
        assert len(by_ip) >= 8
        assert all(len(activate(policy=found).wider) == 2 for found in by_ip)
        households = (address(network=number) for number in range(100))
        assert passed(households, route="login", method="POST") == 10 * WIDER_FACTORS[0]


class TestQuotas:
    @pytest.mark.property
    @given(
        limit=st.integers(1, LARGEST_LIMIT),
        window=st.integers(1, LONGEST_WINDOW_SECONDS),
        burst=st.integers(1, LARGEST_LIMIT),
    )
    def test_of_wider_networks_can_be_counted_if_the_policy_can(self, limit, window, burst):
        try:
            bucket = policy(algorithm="token_bucket", limit=limit, window=window, burst=burst)
        except PolicyInvalid:
            return
        for quota in activate(policy=bucket).wider:
            evaluation.algorithm_for(quota)

    def test_of_buckets_are_wider_in_both_numbers(self, limited):
        limited(algorithm="token_bucket", burst=5)
        assert passed(address(network=number) for number in range(100)) == 20


class TestNamedLimits:
    def test_hold_back_a_site_too(self, limited):
        limited(match={"routes": []})
        taken = [named_limits.check(name="some", key=address(network=number)).is_allowed for number in range(60)]
        assert sum(taken) == 40
        assert not named_limits.peek(name="some", key=address(network=99)).is_allowed
        named_limits.charge(name="some", key=address(network=99))
        named_limits.reset(name="some", key=address(network=99))
        assert named_limits.peek(name="some", key=address(network=98)).is_allowed
