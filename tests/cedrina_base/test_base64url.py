import pytest
from hypothesis import given
from hypothesis import strategies as st

from cedrina_base import base64url


class TestDecode:
    @given(raw=st.binary(max_size=40))
    def test_reads_what_was_encoded(self, raw):
        text = base64url.encode(raw)

        assert "=" not in text
        assert base64url.decode(text) == raw

    @pytest.mark.parametrize("text", ["_w==", "/w", "_x", "_", "_w\n", "é", "\ud800"])
    def test_refuses_any_other_encoding(self, text):
        assert base64url.decode("_w") == b"\xff"
        assert base64url.decode(text) is None
