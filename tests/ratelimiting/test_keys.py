"""Under which key a request is counted."""

import pytest

from ratelimiting import keys
from tests.ratelimiting.policy_documents import policy


class TestNetworkOf:
    @pytest.mark.parametrize(
        ("address", "network"),
        [
            ("203.0.113.7", "203.0.113.7"),
            ("::ffff:203.0.113.7", "203.0.113.7"),
            ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"),
            ("2001:DB8:1:2::1", "2001:db8:1:2::/64"),
            ("fe80::1%eth0", "fe80::/64"),
            (None, "unknown"),
            ("", "unknown"),
            ("nobody", "unknown"),
        ],
    )
    def test_is_one_for_one_customer(self, address, network):
        assert keys.address_network(address) == network


class TestKeyOf:
    def test_shows_neither_address_nor_name(self):
        key = keys.counter_key("login", {"ip": "203.0.113.7", "account": "ada@example.com"})
        assert key.startswith("login:")
        assert "203.0" not in key
        assert "ada" not in key
        assert len(key) == len("login:") + 24

    def test_depends_on_the_policy_each_part_and_the_secret(self, settings):
        parts = {"ip": "203.0.113.7"}
        first = keys.counter_key("login", parts)
        others = {
            keys.counter_key("other", parts),
            keys.counter_key("login", {"ip": "203.0.113.8"}),
            keys.counter_key("login", {"user": "203.0.113.7"}),
        }
        settings.SECRET_KEY = "another secret"
        others.add(keys.counter_key("login", parts))
        assert len(others) == 4
        assert first not in others


class TestRead:
    def test_understands_what_operators_write_and_what_is_stored(self):
        policies = {"some": policy(), "pair": policy(name="pair", scope=["account", "ip"])}
        key = keys.counter_key("some", {"ip": "203.0.113.7"})
        assert keys.parse_key("some:ip=203.0.113.7", policies) == key
        assert keys.parse_key("some:ip=::ffff:203.0.113.7", policies) == key
        assert keys.parse_key(key, policies) == key
        pair = keys.counter_key("pair", {"account": "ada", "ip": "203.0.113.7"})
        assert keys.parse_key("pair:ip=203.0.113.7,account=ada", policies) == pair

    @pytest.mark.parametrize("junk", ["", "some", "some:user=5", "other:ip=1.2.3.4", "some:ip=1.2.3.4,user=5"])
    def test_knows_nothing_else(self, junk):
        assert keys.parse_key(junk, {"some": policy()}) is None


class TestMasked:
    def test_leaves_networks_and_digests(self):
        masked = keys.mask_parts({"ip": "203.0.113.7", "user": "42", "endpoint": "login", "account": "ada@example.com"})
        assert masked["ip"] == "203.0.113.0/24"
        assert (masked["user"], masked["endpoint"]) == ("42", "login")
        assert "ada" not in masked["account"]
        assert keys.mask_parts({"ip": "2001:db8:1:2::/64"}) == {"ip": "2001:db8:1::/48"}
        assert keys.mask_parts({"ip": "unknown"}) == {"ip": "unknown"}
