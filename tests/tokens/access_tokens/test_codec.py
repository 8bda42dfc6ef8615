"""A token that was verified is remembered, and no other one; whether its key is published is looked up each time."""

import pytest

from tests.factories.tokens import open_session
from tokens.access_tokens import codec
from tokens.access_tokens.codec import decode_access_token
from tokens.access_tokens.keyring import keyring
from tokens.conf import token_settings
from tokens.errors import AccessTokenInvalid
from tokens.models import SigningKey

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("own_keys")]


@pytest.fixture
def token():
    codec._verified.clear()
    presented = open_session().access_token
    decode_access_token(presented)
    return presented


def test_is_remembered_with_its_claims(token):
    assert decode_access_token(token) is decode_access_token(token)
    assert token not in str(codec._verified)


def test_of_a_key_that_was_withdrawn_is_refused(token):
    SigningKey.objects.all().delete()
    keyring.clear()
    with pytest.raises(AccessTokenInvalid):
        decode_access_token(token)


@pytest.mark.parametrize("name", ["ISSUER", "AUDIENCE"])
def test_for_another_audience_or_of_another_issuer_is_refused(token, settings, name):
    settings.TOKENS = {**settings.TOKENS, name: "https://another.example"}
    assert getattr(token_settings, name) == "https://another.example"
    with pytest.raises(AccessTokenInvalid):
        decode_access_token(token)


def test_that_differs_in_one_character_is_refused_each_time(token):
    header, payload, signature = token.split(".")
    forged = f"{header}.{payload}.{signature[:-8]}AAAAAAAA"
    for presented in (forged, forged, f"{token} ", f"{header}.{payload}."):
        with pytest.raises(AccessTokenInvalid):
            decode_access_token(presented)
    assert len(codec._verified) == 1


def test_takes_the_room_of_others_when_there_are_many(token, monkeypatch):
    monkeypatch.setattr(codec, "_MOST_REMEMBERED", 3)
    for _ in range(5):
        decode_access_token(open_session().access_token)
    assert len(codec._verified) <= 3
