"""OAuth libraries of others use a served process as they use any server: they judge the endpoints."""

import json
import secrets
import subprocess
from pathlib import Path

import pytest
from authlib.integrations.requests_client import OAuth2Session
from authlib.oauth2.rfc7523 import ClientSecretJWT, PrivateKeyJWT
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from joserfc.jwk import ECKey, OKPKey, RSAKey
from jwt.algorithms import get_default_algorithms
from oauthlib.oauth2 import BackendApplicationClient, InvalidClientError, LegacyApplicationClient
from requests_oauthlib import OAuth2Session as RequestsOAuth2Session

from tests.factories.service_clients import MAKE, public_jwk
from tests.programs import node_packages

SCRIPTS = Path(__file__).parents[2] / "clients" / "oauth_clients"


@pytest.fixture(scope="module")
def metadata(issuer_server):
    with issuer_server.client() as http:
        return http.get(f"{issuer_server.url}/.well-known/oauth-authorization-server").json()


@pytest.fixture(scope="module")
def secret_client(issuer_server):
    report = registered(issuer_server, "with-a-secret", "--reason", "a test")
    return report["client"]["id"], report["client_secret"]


@pytest.fixture(scope="module")
def key_client(issuer_server, tmp_path_factory):
    """A client with a key for each algorithm, and its private keys."""
    keys = {name: make() for name, make in MAKE.items()}
    jwks = {"keys": [public_jwk(key, algorithm=name, kid=name, alg=name) for name, key in keys.items()]}
    jwks["keys"].append(public_jwk(keys["ES256"], algorithm="ES256", kid="1"))
    file = tmp_path_factory.mktemp("keys") / "jwks.json"
    file.write_text(json.dumps(jwks))
    return registered(issuer_server, "with-keys", "--jwks", str(file))["client"]["id"], keys


def registered(issuer_server, name, *options):
    """Make a client. A worker may get two parts of this file, with a turn of its fixtures each, and has one server."""
    name = f"{name}-{secrets.token_hex(4)}"
    return json.loads(
        issuer_server.manage("service_client", "create", name, "--scope=tokens:introspect", *options, "--json")
    )


@pytest.fixture
def pair(issuer_server, newcomer):
    """The tokens of a person."""
    person = newcomer(issuer_server)
    assert person.register().status_code == 201
    return person.tokens


def run(script, **part):
    """Run a script of Node.js and return what it got."""
    node_packages.install(SCRIPTS)
    done = subprocess.run(
        ["node", script, json.dumps(part)], cwd=SCRIPTS, capture_output=True, text=True, timeout=60, check=False
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


@pytest.mark.parametrize("script", ["oauth4webapi.mjs", "openid_client.mjs"])
class TestLibrariesOfNode:
    def test_use_a_secret(self, script, issuer_server, secret_client, pair):
        client_id, secret = secret_client
        got = run(
            script,
            issuer=issuer_server.url,
            client_id=client_id,
            client_secret=secret,
            person=pair["access_token"],
            refresh_token=pair["refresh_token"],
        )
        self.judge(got, issuer_server, client_id, pair, ways=2)
        assert got["refreshed"]["refresh_token"] != pair["refresh_token"]
        assert got["refused"]["status"] == 401

    def test_use_a_key(self, script, issuer_server, key_client, pair):
        client_id, keys = key_client
        private = get_default_algorithms()["ES256"].to_jwk(keys["ES256"], as_dict=True)
        jwk = {name: private[name] for name in ("kty", "crv", "x", "y", "d")}
        got = run(script, issuer=issuer_server.url, client_id=client_id, private_jwk=jwk, person=pair["access_token"])

        self.judge(got, issuer_server, client_id, pair, ways=1)

    def judge(self, got, issuer_server, client_id, pair, *, ways):
        assert got["issuer"] == issuer_server.url
        assert len(got["ways"]) == ways
        for way in got["ways"]:
            assert way["scope"] == "tokens:introspect"
            assert (way["own"]["active"], way["own"]["client_id"]) == (True, client_id)
            assert way["person"]["sid"] == pair["session_id"]
            assert way["revoked"] == {"active": False}


class TestAuthlib:
    @pytest.mark.parametrize("method", ["client_secret_basic", "client_secret_post"])
    def test_uses_a_secret(self, metadata, secret_client, pair, method):
        client_id, secret = secret_client
        session = OAuth2Session(client_id, secret, token_endpoint_auth_method=method, scope="tokens:introspect")
        self.judge(session, metadata, pair)

    @pytest.mark.parametrize("algorithm", ["RS256", "PS256", "ES256", "Ed25519"])
    def test_uses_a_key(self, metadata, key_client, pair, algorithm):
        client_id, keys = key_client
        pem = keys[algorithm].private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
        way = "private_key_jwt"
        kind = {"ES256": ECKey, "Ed25519": OKPKey}.get(algorithm, RSAKey)
        session = OAuth2Session(
            client_id, kind.import_key(pem), token_endpoint_auth_method=way, revocation_endpoint_auth_method=way
        )
        session.register_client_auth_method(
            PrivateKeyJWT(metadata["token_endpoint"], headers={"kid": algorithm}, alg=algorithm)
        )
        self.judge(session, metadata, pair)

    def test_is_refused_with_a_mac_for_a_signature(self, metadata, secret_client):
        """A client secret is stored hashed, so nothing could verify client_secret_jwt."""
        client_id, secret = secret_client
        session = OAuth2Session(client_id, secret, token_endpoint_auth_method="client_secret_jwt")
        session.register_client_auth_method(ClientSecretJWT(metadata["token_endpoint"]))
        with pytest.raises(Exception, match="invalid_client"):
            session.fetch_token(metadata["token_endpoint"], grant_type="client_credentials")

    def test_refreshes_without_a_client(self, metadata, pair):
        session = OAuth2Session(token_endpoint_auth_method="none", client_id="application", token=dict(pair))
        refreshed = session.refresh_token(metadata["token_endpoint"], refresh_token=pair["refresh_token"])

        assert refreshed["refresh_token"] != pair["refresh_token"]

    def judge(self, session, metadata, pair):
        token = session.fetch_token(metadata["token_endpoint"], grant_type="client_credentials")
        assert (token["token_type"], token["scope"]) == ("Bearer", "tokens:introspect")
        own, person = (
            session.introspect_token(metadata["introspection_endpoint"], token=each).json()
            for each in (token["access_token"], pair["access_token"])
        )
        assert (own["client_id"], person["sid"]) == (session.client_id, pair["session_id"])
        revoked = session.revoke_token(metadata["revocation_endpoint"], token=token["access_token"])
        assert revoked.status_code == 200, revoked.text
        after = session.introspect_token(metadata["introspection_endpoint"], token=token["access_token"])
        assert after.json() == {"active": False}


@pytest.fixture
def plain_http(monkeypatch):
    monkeypatch.setenv("OAUTHLIB_INSECURE_TRANSPORT", "1")


@pytest.mark.usefixtures("plain_http")
class TestRequestsOauthlib:
    def test_uses_a_secret(self, issuer_server, metadata, secret_client):
        client_id, secret = secret_client
        session = RequestsOAuth2Session(client=BackendApplicationClient(client_id, scope=["tokens:introspect"]))
        token = session.fetch_token(metadata["token_endpoint"], client_secret=secret)

        assert list(token["scope"]) == ["tokens:introspect"]
        # Its session sends the token as a bearer token.
        answer = session.post(f"{issuer_server.url}/api/v1/auth/introspect", json={"token": token["access_token"]})
        assert answer.json()["client_id"] == client_id

    def test_is_told_of_a_wrong_secret(self, metadata, secret_client):
        session = RequestsOAuth2Session(client=BackendApplicationClient(secret_client[0]))
        with pytest.raises(InvalidClientError):
            session.fetch_token(metadata["token_endpoint"], client_secret="cds_wrong")

    def test_refreshes_without_a_client(self, metadata, pair):
        session = RequestsOAuth2Session(client=LegacyApplicationClient("application"), token=dict(pair))
        refreshed = session.refresh_token(metadata["token_endpoint"])

        assert refreshed["refresh_token"] != pair["refresh_token"]
