"""Parts of libraries that this app uses and that their documentation does not promise: a change shows here first."""

import uuid

from django.db.models.query_utils import DeferredAttribute
from django.http import HttpRequest
from rest_framework.request import Request

from cedrina_base.encrypted_fields import Ciphertext
from tokens.access_tokens.codec import AccessToken, KeyringBackend
from tokens.api.authentication import signed_claims
from tokens.api.client import client_context
from tokens.api.refresh_tokens import refresh_claims
from tokens.models import SigningKey
from tokens.refresh_tokens import secrets


class TestDrfsRequest:
    def test_holds_djangos_where_we_keep_the_verified_claims(self):
        plain = HttpRequest()
        plain.client_ip = "203.0.113.7"
        wrapped = Request(plain)

        assert wrapped._request is plain
        assert client_context(wrapped).ip_address == "203.0.113.7"
        assert signed_claims(wrapped) is None
        assert plain._signed_claims == (None, None)

    def test_holds_djangos_where_we_keep_the_claims_of_a_refresh_token(self):
        presented = secrets.mint_refresh_token(family_id=uuid.uuid4(), generation=1, key_epoch=0)
        plain = HttpRequest()
        found = refresh_claims(plain, presented)

        assert found == secrets.parse_refresh_token(presented)
        assert refresh_claims(Request(plain), presented) is found
        assert refresh_claims(Request(plain), presented + "x") is None


class TestSimplejwtsToken:
    def test_signs_and_verifies_with_the_backend_of_its_class(self):
        assert isinstance(AccessToken().get_token_backend(), KeyringBackend)
        assert AccessToken().token_backend is AccessToken._token_backend


class TestDjangosDeferredAttribute:
    def test_is_what_an_encrypted_column_reads_through(self):
        attribute = SigningKey.__dict__["private_key"]
        key = SigningKey(kid="k", private_key="pem")

        assert isinstance(attribute, DeferredAttribute)
        assert attribute.field.attname in key.__dict__
        assert not isinstance(key.private_key, Ciphertext)
