import base64
import string
from datetime import UTC, datetime
from types import SimpleNamespace
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from accounts.client_tokens import known_devices, link_tokens
from accounts.models import MailedTokenPurpose
from cedrina_base.signed_tokens import SignedTokenCodec, keyed_digest, server_secrets, token_digest
from tokens.refresh_tokens import secrets

FORMER_SECRET = "a-secret-of-the-past"
ROW = UUID("0190a6b2-7c3d-7e4f-8a5b-9c6d7e8f9a0b")
CODEC = SignedTokenCodec(prefix="cdx_", payload_size=20, signature_size=8, purpose=b"a purpose of the tests")
PAYLOAD = bytes(range(20))


class TestSignedTokenCodec:
    @given(payload=st.binary(min_size=20, max_size=20))
    def test_decodes_what_it_encoded(self, payload):
        token = CODEC.encode(payload)

        assert len(token) == CODEC.length
        assert CODEC.decode(token) == payload

    @given(position=st.integers(0, 41), character=st.sampled_from(string.printable + "é\0"))
    def test_refuses_any_other_text(self, position, character):
        token = CODEC.encode(PAYLOAD)
        changed = token[:position] + character + token[position + 1 :]

        assert (CODEC.decode(changed) is not None) == (changed == token)

    def test_refuses_unused_bits_that_decode_alike(self):
        token = CODEC.encode(PAYLOAD)
        alphabet = string.ascii_uppercase + string.ascii_lowercase + string.digits + "-_"
        twin = token[:-1] + alphabet[alphabet.index(token[-1]) | 1]

        assert twin != token
        assert base64.urlsafe_b64decode(twin[4:] + "==") == base64.urlsafe_b64decode(token[4:] + "==")
        assert CODEC.decode(twin) is None

    @given(junk=st.text(max_size=60))
    def test_refuses_junk(self, junk):
        assert CODEC.decode(junk) is None
        assert CODEC.decode("cdx_" + junk) is None

    def test_refuses_a_token_for_another_purpose(self):
        other = SignedTokenCodec(prefix="cdx_", payload_size=20, signature_size=8, purpose=b"another purpose")

        assert other.decode(CODEC.encode(PAYLOAD)) is None

    def test_refuses_a_token_of_another_server(self, settings):
        token = CODEC.encode(PAYLOAD)
        settings.SECRET_KEY = "another" * 10

        assert CODEC.decode(token) is None

    def test_accepts_a_token_that_was_made_before_the_secret_changed(self, settings):
        token, former = CODEC.encode(PAYLOAD), settings.SECRET_KEY
        settings.SECRET_KEY_FALLBACKS = [former]
        settings.SECRET_KEY = "another" * 10

        assert CODEC.decode(token) == PAYLOAD
        assert [CODEC.encode(PAYLOAD, secret=each) for each in server_secrets()] == [CODEC.encode(PAYLOAD), token]

    def test_takes_another_key_for_another_key_id(self):
        codec = SignedTokenCodec(prefix="", payload_size=2, signature_size=16, purpose=b"keys", key_id_size=1)

        assert codec.encode(b"\x01\x00")[4:] != codec.encode(b"\x02\x00")[4:]
        assert codec.decode(codec.encode(b"\x02\x00")) == b"\x02\x00"


class TestKeyedDigest:
    def test_depends_on_secret_purpose_and_message(self):
        made = {
            keyed_digest(message, secret=secret, purpose=purpose, size=16)
            for message in (b"1", b"2")
            for secret in ("a", "b")
            for purpose in (b"x", b"y")
        }

        assert {len(each) for each in made} == {16}
        assert len(made) == 8


class TestTokenDigest:
    def test_takes_whatever_a_client_sends(self):
        assert len(token_digest("\ud800")) == 32


class TestFormats:
    """Tokens that were handed out by an earlier version stay valid, byte for byte."""

    @pytest.fixture(autouse=True)
    def former_secret(self, settings):
        settings.SECRET_KEY, settings.SECRET_KEY_FALLBACKS = FORMER_SECRET, []

    def test_of_refresh_tokens(self):
        token = "cdr_AwGQprJ8PX5PilucbX6PmgsAAAAAAAAAB3H7-qHRtbJsyvE4ayrpM-0"

        assert secrets.mint_refresh_token(family_id=ROW, generation=7, key_epoch=3) == token
        claims = secrets.parse_refresh_token(token)
        assert (claims.family_id, claims.generation, claims.key_epoch) == (ROW, 7, 3)

    def test_of_mailed_links(self):
        token = "cdm_AgGQprJ8PX5PilucbX6PmgulEGhSnLFuCPIX80ALIx3c"

        assert link_tokens.mint(purpose=MailedTokenPurpose.RESET_PASSWORD, mail_id=ROW) == token
        link = link_tokens.parse(token)
        assert (link.purpose, link.mail_id) == (MailedTokenPurpose.RESET_PASSWORD, ROW)

    def test_of_the_device_cookie(self):
        token = "cdd_AAECAwQFBgcICQoLDA0OD2lXNaUdid_WsQ9CiPt8pT4gCSVGnr2rTI8AtVA"
        user, now = SimpleNamespace(pk=ROW, password="bcrypt$x"), datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)

        assert known_devices.mint(user=user, device=bytes(range(16)), now=now) == token
        assert known_devices.recognise(token, user=user, now=now) == bytes(range(16))

    def test_of_what_failed_sign_ins_are_counted_by(self):
        assert known_devices.digest("place", "x").hex() == "e193e41018138884da77e6f26b1db355"
