import pytest

from ratelimiting.addresses import networks_of


class TestNetworksOf:
    @pytest.mark.parametrize(
        ("address", "networks"),
        [
            ("203.0.113.9", ("203.0.113.9", "203.0.113.0/24", "203.0.0.0/16")),
            ("2001:db8:1:2345::9", ("2001:db8:1:2345::/64", "2001:db8:1:2300::/56", "2001:db8:1::/48")),
            ("", ("unknown",)),
        ],
    )
    def test_names_them_from_the_smallest_to_the_largest(self, address, networks):
        assert networks_of(address) == networks
