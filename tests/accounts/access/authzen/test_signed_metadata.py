"""The signed metadata of AuthZEN: another JOSE library verifies them with the published keys."""

import pytest
from joserfc import jwt
from joserfc.jwk import KeySet
from rest_framework.test import APIClient

pytestmark = pytest.mark.django_db
URL = "/.well-known/authzen-configuration"


def verified(token):
    """Return the header and the claims of a token, as joserfc verifies them by the JWKS that we publish."""
    published = KeySet.import_key_set(APIClient().get("/.well-known/jwks.json").json())
    found = jwt.decode(token, published)
    jwt.JWTClaimsRegistry(iss={"essential": True, "value": "http://127.0.0.1:8000"}, exp={"essential": True}).validate(
        found.claims
    )
    return found.header, found.claims


def test_says_the_same_as_the_plain_metadata():
    metadata = APIClient().get(URL).json()
    header, claims = verified(metadata.pop("signed_metadata"))

    assert header["typ"] == "authzen-metadata+jwt"
    assert metadata["policy_decision_point"]
    assert {name: claims[name] for name in metadata} == metadata
    assert set(claims) - set(metadata) == {"iss", "iat", "exp"}


def test_is_no_access_token():
    token = APIClient().get(URL).json()["signed_metadata"]
    answer = APIClient().get("/api/v1/auth/me", headers={"Authorization": f"Bearer {token}"})
    assert (answer.status_code, answer.json()["code"]) == (401, "invalid_token")


def test_is_signed_for_no_address_that_a_request_names(settings):
    settings.ACCESS = {**settings.ACCESS, "BASE_URL": ""}
    settings.ALLOWED_HOSTS = ["*"]
    metadata = APIClient().get(URL, headers={"Host": "evil.example"}).json()
    assert metadata["policy_decision_point"] == "http://evil.example"
    assert "signed_metadata" not in metadata
