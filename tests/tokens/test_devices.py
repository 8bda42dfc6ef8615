import pytest

from tokens.devices import describe


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
        assert describe(user_agent) == device
        assert describe(user_agent, is_admin=True) == (f"{device} (admin)" if device else "Admin")
