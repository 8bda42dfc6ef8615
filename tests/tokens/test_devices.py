import pytest

from tokens import devices
from tokens.devices import device_name


class TestDescribe:
    @pytest.mark.parametrize(
        ("user_agent", "device"),
        [
            ("Mozilla/5.0 (X11; Ubuntu; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0", "Firefox on Ubuntu"),
            (
                (
                    "Mozilla/5.0 (iPhone; CPU iPhone OS 17_0 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) "
                    "Version/17.0 Mobile/15E148 Safari/604.1"
                ),
                "Mobile Safari on iOS",
            ),
            ("curl/8.5.0", "curl"),
            ("", ""),
            ("nothing that anybody knows", ""),
            ("\0\ud800", ""),
        ],
    )
    def test_names_browser_and_system(self, user_agent, device):
        assert device_name(user_agent) == device
        assert device_name(user_agent, is_admin=True) == (f"{device} (admin)" if device else "Admin")


class TestKindDigest:
    @pytest.mark.parametrize(
        ("one", "other"),
        [
            ("Example/2.1.0", "Example/2.2"),
            (
                "Mozilla/5.0 (iPhone; CPU iPhone OS 18_2 like Mac OS X) AppleWebKit/605.1.15 Safari/604.1",
                "Mozilla/5.0 (iPhone; CPU iPhone OS 18_10_1 like Mac OS X) AppleWebKit/606.2 Safari/605.1",
            ),
        ],
    )
    def test_is_that_of_the_next_version_too(self, one, other):
        assert devices.kind_digest(one) == devices.kind_digest(other)

    def test_differs_between_kinds(self):
        browsers = [f"Mozilla/5.0 ({system}) Firefox/140.0" for system in ("X11; Linux x86_64", "Windows NT 10.0")]
        agents = ["", "curl/8.0", *browsers]

        assert len({devices.kind_digest(agent) for agent in agents}) == len(agents)

    def test_takes_any_text(self):
        assert len(devices.kind_digest("\ud800" * 10_000)) == 8
        assert devices.kind_digest("a" * 512) == devices.kind_digest("a" * 20_000)


class TestNetworkDigest:
    @pytest.mark.parametrize(
        ("one", "other"),
        [("203.0.113.7", "203.0.113.200"), ("2001:db8:1::1", "2001:db8:1:ffff::2"), (None, ""), ("", "/run/http.sock")],
    )
    def test_is_that_of_the_neighbours_too(self, one, other):
        assert devices.network_digest(one) == devices.network_digest(other)

    def test_differs_between_networks(self):
        addresses = (None, "203.0.113.7", "203.0.114.7", "2001:db8:1::1", "2001:db8:2::1")

        assert len({devices.network_digest(address) for address in addresses}) == len(addresses)
