import base64
import string
import uuid
from datetime import timedelta

from hypothesis import given
from hypothesis import strategies as st

from cedrina_base.signed_tokens import token_digest
from tokens.refresh_tokens import secrets

FAMILY = uuid.UUID("0197a3c0-5b1e-7c4d-9f00-2b6f1c9a7d10")

generations = st.integers(1, 2**64 - 1)
epochs = st.integers(1, 255)


class TestParseRefreshToken:
    @given(family_id=st.uuids(), generation=generations, key_epoch=epochs)
    def test_reads_what_was_minted(self, family_id, generation, key_epoch):
        token = secrets.mint_refresh_token(family_id=family_id, generation=generation, key_epoch=key_epoch)
        claims = secrets.parse_refresh_token(token)

        assert (claims.family_id, claims.generation, claims.key_epoch) == (family_id, generation, key_epoch)
        assert claims.digest == token_digest(token)

    @given(position=st.integers(0, 58), character=st.sampled_from(string.printable + "é\0"))
    def test_refuses_any_other_spelling(self, position, character):
        token = secrets.mint_refresh_token(family_id=FAMILY, generation=7, key_epoch=1)
        changed = token[:position] + character + token[position + 1 :]

        assert (secrets.parse_refresh_token(changed) is not None) == (changed == token)

    def test_refuses_spare_bits_that_decode_alike(self):
        token = secrets.mint_refresh_token(family_id=FAMILY, generation=7, key_epoch=1)
        alphabet = string.ascii_uppercase + string.ascii_lowercase + string.digits + "-_"
        twin = token[:-1] + alphabet[alphabet.index(token[-1]) | 1]

        assert twin != token
        assert base64.urlsafe_b64decode(twin[4:] + "=") == base64.urlsafe_b64decode(token[4:] + "=")
        assert secrets.parse_refresh_token(twin) is None

    @given(junk=st.text(max_size=80))
    def test_refuses_junk(self, junk):
        assert secrets.parse_refresh_token(junk) is None
        assert secrets.parse_refresh_token("cdr_" + junk) is None

    def test_refuses_a_token_of_another_server(self, settings):
        token = secrets.mint_refresh_token(family_id=FAMILY, generation=1, key_epoch=1)
        settings.SECRET_KEY = "another" * 10

        assert secrets.parse_refresh_token(token) is None

    def test_accepts_a_token_made_before_the_secret_changed(self, settings):
        token = secrets.mint_refresh_token(family_id=FAMILY, generation=1, key_epoch=1)
        settings.SECRET_KEY_FALLBACKS = [settings.SECRET_KEY]
        settings.SECRET_KEY = "another" * 10

        assert secrets.parse_refresh_token(token).family_id == FAMILY
        assert token in secrets.refresh_tokens_by_secret(family_id=FAMILY, generation=1, key_epoch=1)


class TestMintRefreshToken:
    def test_has_a_shape_that_scanners_find(self):
        token = secrets.mint_refresh_token(family_id=FAMILY, generation=1, key_epoch=1)

        assert token.startswith("cdr_")
        assert len(token) == 59

    def test_gives_every_epoch_its_own_key(self):
        made = {
            secrets.mint_refresh_token(family_id=FAMILY, generation=1, key_epoch=epoch)[-20:] for epoch in (1, 2, 3)
        }

        assert len(made) == 3


class TestJittered:
    @given(seconds=st.integers(60, 10**6))
    def test_shortens_by_at_most_five_percent(self, seconds):
        shortened = secrets.jittered(timedelta(seconds=seconds)).total_seconds()

        assert seconds * 0.95 - 1 <= shortened <= seconds
