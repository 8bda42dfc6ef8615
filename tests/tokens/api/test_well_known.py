import jwt
import pytest

from tests.factories.tokens import open_session

JWKS = "/.well-known/jwks.json"
METADATA = "/.well-known/oauth-authorization-server"

pytestmark = pytest.mark.django_db


class TestJwks:
    def test_lets_anybody_verify_our_tokens(self, api):
        pair = open_session()
        response = api.get(JWKS)

        assert response.status_code == 200
        assert response["Content-Type"].startswith("application/")
        keys = jwt.PyJWKSet.from_dict(response.json())
        payload = jwt.decode(
            pair.access_token,
            keys[jwt.get_unverified_header(pair.access_token)["kid"]],
            ["RS256"],
            audience="cedrina",
            issuer="http://127.0.0.1:8000",
        )
        assert payload["sid"] == str(pair.session_id)

    def test_shows_nothing_private(self, api):
        for key in api.get(JWKS).json()["keys"]:
            assert set(key) == {"kty", "use", "alg", "kid", "n", "e"}

    def test_may_be_kept_for_a_minute(self, api):
        assert api.get(JWKS)["Cache-Control"] == "public, max-age=60"

    def test_ignores_invalid_credentials(self, api):
        assert api.get(JWKS, headers={"Authorization": "Bearer junk"}).status_code == 200


class TestMetadata:
    def test_names_the_endpoints_below_the_issuer(self, api, settings):
        settings.TOKENS = {**settings.TOKENS, "ISSUER": "https://auth.example.com"}
        response = api.get(METADATA)

        assert response.status_code == 200
        ways = ["client_secret_basic", "client_secret_post", "private_key_jwt"]
        algorithms = ["RS256", "PS256", "ES256", "EdDSA", "Ed25519"]
        assert response.json() == {
            "issuer": "https://auth.example.com",
            "jwks_uri": "https://auth.example.com/.well-known/jwks.json",
            "response_types_supported": [],
            "grant_types_supported": ["client_credentials", "refresh_token"],
            "scopes_supported": [
                "authz:check",
                "authz:explain",
                "events:read",
                "incidents:read",
                "metrics:read",
                "policies:read",
                "rate_limits:read",
                "ssf:manage",
                "ssf:read",
                "tokens:introspect",
            ],
            "token_endpoint": "https://auth.example.com/oauth/token",
            "token_endpoint_auth_methods_supported": [*ways, "none"],
            "token_endpoint_auth_signing_alg_values_supported": algorithms,
            "introspection_endpoint": "https://auth.example.com/oauth/introspect",
            "introspection_endpoint_auth_methods_supported": [*ways, "Bearer"],
            "introspection_endpoint_auth_signing_alg_values_supported": algorithms,
            "revocation_endpoint": "https://auth.example.com/oauth/revoke",
            "revocation_endpoint_auth_methods_supported": [*ways, "none"],
            "revocation_endpoint_auth_signing_alg_values_supported": algorithms,
        }

    def test_points_to_what_is_there(self, api):
        body = api.get(METADATA).json()
        for name in ("jwks_uri", "token_endpoint", "introspection_endpoint", "revocation_endpoint"):
            path = body[name].removeprefix(body["issuer"])
            assert api.get(path).status_code in (200, 405)
