import pytest

from cedrina.settings import relying_party


class TestTheDefaults:
    @pytest.mark.parametrize(
        ("public_url", "rp_id", "origin"),
        [
            ("https://id.example.org", "id.example.org", "https://id.example.org"),
            ("https://id.example.org:8443", "id.example.org", "https://id.example.org:8443"),
            ("https://id.example.org:443/base", "id.example.org", "https://id.example.org"),
            ("http://127.0.0.1:8000", "localhost", "http://localhost:8000"),
            ("http://[::1]:8000", "localhost", "http://localhost:8000"),
            ("http://localhost", "localhost", "http://localhost"),
            ("https://ID.Example.org", "id.example.org", "https://id.example.org"),
            ("https://192.0.2.1", "192.0.2.1", "https://192.0.2.1"),
        ],
    )
    def test_follow_the_public_address(self, public_url, rp_id, origin):
        assert relying_party.default_id(public_url) == rp_id
        assert relying_party.default_origin(public_url) == origin
