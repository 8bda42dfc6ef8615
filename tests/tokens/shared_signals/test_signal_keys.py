"""Which key signs signals, and what else that key may do: nothing."""

import json
import subprocess
from datetime import timedelta

import jwt
import pytest
from django.utils import timezone

from tests.attacks.forged_tokens.forgery import Mint
from tests.factories.accounts import UserFactory
from tests.factories.signals import ISSUER, Receiver, deliver, sign_out
from tests.factories.tokens import open_session
from tests.peers.openid_provider import running
from tests.programs import node_packages
from tokens.access_tokens.keyring import keyring
from tokens.models import SigningKey
from tokens.services import keys
from tokens.signing_algorithms import RS256

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("own_keys")]
SIGNED_OUT = "/api/v1/auth/sessions"


def rotated_to(settings, name, *, emergency=True, now=None):
    settings.TOKENS = {**settings.TOKENS, "ACCESS_TOKEN_ALGORITHM": name}
    return keys.rotate(now=now or timezone.now(), emergency=emergency)


def signal_keys():
    return SigningKey.objects.filter(signs_access_tokens=False, retired_at=None)


def kid_of(token):
    return jwt.get_unverified_header(token)["kid"]


class TestKey:
    def test_is_that_of_access_tokens_while_that_is_rs256(self, receiver):
        receiver.create()
        assert not signal_keys().exists()
        assert keyring.signing_key(now=timezone.now()).algorithm.name == "RS256"

    def test_is_one_of_its_own_beside_another_algorithm(self, api, settings):
        rotated_to(settings, "ES256")
        receiver = Receiver(api)
        stream = receiver.create()
        (key,) = signal_keys()
        pair = open_session()
        sign_out(pair)
        deliver(stream)
        (token,) = receiver.poll(stream)["sets"].values()

        assert kid_of(token) == key.kid != kid_of(pair.access_token)
        receiver.verified(token)
        assert jwt.get_unverified_header(pair.access_token)["alg"] == "ES256"
        assert kid_of(open_session().access_token) != key.kid

    def test_is_rotated_with_the_others(self, api, settings):
        rotated_to(settings, "ES256")
        receiver = Receiver(api)
        receiver.create()
        (first,) = signal_keys()
        now = timezone.now()
        rotated_to(settings, "EdDSA", emergency=False, now=now)

        second = SigningKey.objects.filter(signs_access_tokens=False).latest("activated_at")
        first.refresh_from_db()
        assert first.kid != second.kid
        assert first.retired_at == second.activated_at > now
        assert {first.kid, second.kid} <= {each["kid"] for each in keyring.jwks()}

    def test_is_dropped_by_an_emergency_and_replaced_at_once(self, api, settings):
        rotated_to(settings, "ES256")
        receiver = Receiver(api)
        receiver.create()
        (first,) = signal_keys()
        rotated_to(settings, "ES256", now=timezone.now() + timedelta(seconds=1))

        assert first.kid not in {each["kid"] for each in keyring.jwks()}
        assert signal_keys().count() == 1

    @pytest.mark.attack("RFC 8725, 3.12")
    def test_signs_no_access_token_that_is_accepted(self, api, settings):
        rotated_to(settings, "ES256")
        Receiver(api).create()
        mint = Mint(open_session(user=UserFactory()).access_token)
        mint.key = signal_keys().get()
        mint.private = keyring.signing_key_of(RS256, now=timezone.now()).private
        forged = mint.sign(header={**mint.header, "alg": "RS256", "kid": mint.key.kid})

        api.credentials(HTTP_AUTHORIZATION=f"Bearer {mint.genuine}")
        assert api.get(SIGNED_OUT).status_code == 200
        api.credentials(HTTP_AUTHORIZATION=f"Bearer {forged}")
        assert (api.get(SIGNED_OUT).status_code, api.get(SIGNED_OUT).json()["code"]) == (401, "invalid_token")


JOSE = """
import { createLocalJWKSet, jwtVerify } from "jose"
import { text } from "node:stream/consumers"
const [jwks, token, audience] = JSON.parse(await text(process.stdin))
const options = { algorithms: ["RS256"], audience, issuer: "http://127.0.0.1:8000", typ: "secevent+jwt" }
const { payload } = await jwtVerify(token, createLocalJWKSet(jwks), options)
console.log(payload.jti)
"""


class TestTokens:
    @pytest.mark.attack("RFC 8417, 4.5; RFC 8725, 3.11")
    def test_are_no_access_tokens_and_access_tokens_are_no_signals(self, api, receiver):
        stream = receiver.create()
        pair = open_session()
        sign_out(pair)
        deliver(stream)
        (token,) = receiver.poll(stream)["sets"].values()

        api.credentials(HTTP_AUTHORIZATION=f"Bearer {token}")
        assert api.get(SIGNED_OUT).status_code == 401
        assert receiver.verified(token)["iss"] == ISSUER
        with pytest.raises(AssertionError):
            receiver.verified(pair.access_token, audience="cedrina")
        with pytest.raises(jwt.InvalidAudienceError):
            receiver.verified(token, audience="another")

    @pytest.mark.process
    def test_are_verified_by_jose_of_node(self, api, receiver):
        node_packages.install(running.HERE)
        stream = receiver.create()
        sign_out(open_session())
        deliver(stream)
        ((jti, token),) = receiver.poll(stream)["sets"].items()
        given = json.dumps([api.get("/.well-known/jwks.json").json(), token, stream["aud"]])
        command = ["node", "--input-type=module", "-e", JOSE]
        done = subprocess.run(
            command, input=given, capture_output=True, text=True, check=False, timeout=60, cwd=running.HERE
        )

        assert done.returncode == 0, done.stderr
        assert done.stdout.strip() == jti

    @pytest.mark.attack("CWE-532")
    def test_stand_in_no_log(self, receiver, caplog):
        stream = receiver.create()
        sign_out(open_session())
        deliver(stream)
        (token,) = receiver.poll(stream)["sets"].values()

        assert token.rpartition(".")[2] not in caplog.text
        assert receiver.token not in caplog.text
