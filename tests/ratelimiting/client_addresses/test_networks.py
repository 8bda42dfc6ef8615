"""Addresses, and the networks that they count for."""

import pytest

from ratelimiting import keys
from ratelimiting.client_addresses.networks import counted_network, counted_networks, enclosing_networks, normalise


class TestNetworksOf:
    @pytest.mark.parametrize(
        ("address", "networks"),
        [
            ("203.0.113.7", ("203.0.113.7",)),
            ("2001:db8:1:2ff:3:4:5:6", ("2001:db8:1:2ff::/64", "2001:db8:1:200::/56", "2001:db8:1::/48")),
            ("::1", ("::/64", "::/56", "::/48")),
            (None, ("unknown",)),
            ("", ("unknown",)),
        ],
    )
    def test_are_the_prefixes_of_a_home_and_a_site_in_ipv6(self, address, networks):
        assert counted_networks(address) == networks
        assert counted_network(address) == networks[0]

    def test_remember_no_long_texts(self):
        before = normalise.__globals__["_normalised"].cache_info().currsize
        assert [normalise(f"{number}" * 9000) for number in range(5)] == [None] * 5
        assert normalise.__globals__["_normalised"].cache_info().currsize == before


class TestNetworkRead:
    @pytest.mark.parametrize(
        ("text", "network"),
        [
            ("203.0.113.7", "203.0.113.7"),
            ("2001:DB8::1", "2001:db8::/64"),
            ("2001:db8::/64", "2001:db8::/64"),
            ("2001:db8:1:2ff::/56", "2001:db8:1:200::/56"),
            ("2001:db8:1:2ff::1/48", "2001:db8:1::/48"),
            ("2001:db8::/32", ""),
            ("203.0.113.0/24", ""),
            ("nobody", "unknown"),
        ],
    )
    def test_is_what_an_operator_writes(self, text, network):
        assert keys.parse_network(text) == network


class TestEnclosingNetworks:
    @pytest.mark.parametrize(
        ("address", "networks"),
        [
            ("203.0.113.9", ("203.0.113.9", "203.0.113.0/24", "203.0.0.0/16")),
            ("2001:db8:1:2345::9", ("2001:db8:1:2345::/64", "2001:db8:1:2300::/56", "2001:db8:1::/48")),
            ("", ("unknown",)),
        ],
    )
    def test_are_named_from_the_narrowest_to_the_widest(self, address, networks):
        assert enclosing_networks(address) == networks
