"""Other libraries verify our tokens with nothing but the JWKS."""

import json
import subprocess
import sys

import jwt
import pytest
from django.utils import timezone
from joserfc import jws
from joserfc import jwt as joserfc_jwt
from joserfc.jwk import KeySet

from tests.attacks.forged_tokens.forgery import Mint
from tests.factories.tokens import open_session
from tests.peers.openid_provider import running
from tests.programs import node_packages
from tokens.access_tokens.keyring import keyring
from tokens.models import SigningKey
from tokens.services import keys
from tokens.signing_algorithms import SIGNING_ALGORITHMS

ISSUER, AUDIENCE = "http://127.0.0.1:8000", "cedrina"
NAMES = list(SIGNING_ALGORITHMS)
pytestmark = pytest.mark.usefixtures("own_keys")


@pytest.fixture
def jwks(api, settings, db):
    """The document with one key of each algorithm; the last one signs."""
    for name in NAMES:
        settings.TOKENS = {**settings.TOKENS, "ACCESS_TOKEN_ALGORITHM": name}
        keys.rotate(now=timezone.now() - settings.TOKENS["JWKS_PROPAGATION_TTL"])
    document = api.get("/.well-known/jwks.json").json()
    assert [key["alg"] for key in document["keys"][-3:]] == NAMES
    return document


@pytest.fixture
def tokens(jwks):
    """One token of each algorithm."""
    mint = Mint(open_session().access_token)
    made = {}
    for published in jwks["keys"][-3:]:
        mint.key = SigningKey.objects.get(pk=published["kid"])
        mint.private = keyring.signing_key(now=timezone.now(), kid=mint.key.pk).private
        made[published["alg"]] = mint.sign(header={**mint.header, "alg": published["alg"], "kid": published["kid"]})
    assert mint.genuine == made[NAMES[-1]]
    return made


@pytest.mark.parametrize("name", NAMES)
class TestTokens:
    def test_are_verified_by_pyjwt(self, jwks, tokens, name):
        token = tokens[name]
        key = jwt.PyJWKSet.from_dict(jwks)[jwt.get_unverified_header(token)["kid"]]

        assert key.algorithm_name == name
        assert jwt.decode(token, key, algorithms=[name], audience=AUDIENCE, issuer=ISSUER)["sid"]

    def test_are_verified_by_joserfc(self, jwks, tokens, name, recwarn):
        header_of_access_tokens = jws.JWSRegistry(algorithms=[name])
        decoded = joserfc_jwt.decode(tokens[name], KeySet.import_key_set(jwks), registry=header_of_access_tokens)

        assert decoded.header["typ"] == "at+jwt"
        joserfc_jwt.JWTClaimsRegistry(
            iss={"essential": True, "value": ISSUER}, aud={"essential": True, "value": AUDIENCE}
        ).validate(decoded.claims)
        recwarn.clear()  # of EdDSA: RFC 9864 calls it Ed25519


AUTHLIB = """
import json, sys, warnings
warnings.simplefilter("ignore")  # that joserfc succeeds it
from authlib.jose import JsonWebKey, JsonWebToken
jwks, tokens = json.load(sys.stdin)
for name, token in tokens.items():
    claims = JsonWebToken([name]).decode(token, JsonWebKey.import_key_set(jwks))
    claims.validate()
    print(name, claims["iss"])
"""
JOSE = """
import { createLocalJWKSet, jwtVerify } from "jose"
import { text } from "node:stream/consumers"
const [jwks, tokens] = JSON.parse(await text(process.stdin))
for (const [name, token] of Object.entries(tokens)) {
  const options = { algorithms: [name], audience: "cedrina", typ: "at+jwt" }
  const { payload } = await jwtVerify(token, createLocalJWKSet(jwks), options)
  console.log(name, payload.iss)
}
"""


class TestOtherProcesses:
    def verified(self, command, jwks, tokens, **options):
        given = json.dumps([jwks, tokens])
        done = subprocess.run(command, input=given, capture_output=True, text=True, check=False, timeout=60, **options)
        assert done.returncode == 0, done.stderr
        return done.stdout.splitlines()

    def test_verify_by_authlib(self, jwks, tokens):
        command = [sys.executable, "-c", AUTHLIB]

        assert self.verified(command, jwks, tokens) == [f"{name} {ISSUER}" for name in NAMES]

    @pytest.mark.process
    def test_verify_by_jose_of_node(self, jwks, tokens):
        node_packages.install(running.HERE)
        command = ["node", "--input-type=module", "-e", JOSE]

        assert self.verified(command, jwks, tokens, cwd=running.HERE) == [f"{name} {ISSUER}" for name in NAMES]
