import re

import pytest

from accounts.client_tokens import link_tokens
from accounts.models import MailedTokenPurpose
from cedrina_base.signed_tokens import token_digest
from cedrina_base.uuids import uuid7
from security_events.masking import mask_text


class TestMint:
    @pytest.mark.parametrize("purpose", list(MailedTokenPurpose))
    def test_makes_the_same_token_again(self, purpose):
        mail_id = uuid7()
        token = link_tokens.mint(purpose=purpose, mail_id=mail_id)

        assert re.fullmatch(r"cdm_[A-Za-z0-9_-]{44}", token)
        assert link_tokens.mint(purpose=purpose, mail_id=mail_id) == token
        link = link_tokens.parse(token)
        assert (link.purpose, link.mail_id, link.digest) == (purpose, mail_id, token_digest(token))

    def test_makes_one_that_our_masking_knows(self):
        token = link_tokens.mint(purpose=MailedTokenPurpose.DISOWN, mail_id=uuid7())

        assert token not in mask_text(f"GET /account/not-me/{token}?lang=en")


class TestParse:
    def test_refuses_a_token_with_any_sign_changed(self):
        token = link_tokens.mint(purpose=MailedTokenPurpose.RESET_PASSWORD, mail_id=uuid7())
        for place in range(len(token)):
            other = "A" if token[place] != "A" else "B"
            assert link_tokens.parse(token[:place] + other + token[place + 1 :]) is None

    @pytest.mark.parametrize("junk", ["", "cdm_", "x" * 48, "cdm_" + "é" * 44, "cdm_" + "=" * 44, "cdr_" + "A" * 44])
    def test_refuses_junk(self, junk):
        assert link_tokens.parse(junk) is None

    def test_knows_one_spelling_only(self):
        for _ in range(200):
            token = link_tokens.mint(purpose=MailedTokenPurpose.DISOWN, mail_id=uuid7())
            other = token[:4] + token[4:].replace("-", "+").replace("_", "/")
            assert (link_tokens.parse(other) is None) == (other != token)

    def test_takes_tokens_of_a_former_secret(self, settings):
        token = link_tokens.mint(purpose=MailedTokenPurpose.DISOWN, mail_id=uuid7())
        former, settings.SECRET_KEY = settings.SECRET_KEY, "another secret of the server, quite long"
        assert link_tokens.parse(token) is None

        settings.SECRET_KEY_FALLBACKS = [former]
        assert link_tokens.parse(token) is not None
