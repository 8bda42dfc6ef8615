import pytest

from accounts.api.form_limits import client_network


class TestClientNetwork:
    @pytest.mark.parametrize(
        ("address", "network"),
        [
            ("203.0.113.7", "203.0.113.7"),
            ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"),
            ("", "unknown"),
            ("somewhere", "unknown"),
        ],
    )
    def test_is_the_address_or_of_ipv6_the_network(self, rf, address, network):
        assert client_network("", rf.post("/", REMOTE_ADDR=address)) == network

    def test_is_what_the_middleware_has_resolved(self, rf):
        request = rf.post("/", REMOTE_ADDR="10.0.0.1")
        request.client_ip = "203.0.113.7"

        assert client_network("", request) == "203.0.113.7"
