"""Which responses the shipped nginx compresses: those alone that have no secret and no text of the request in them."""

import json

import httpx
import pytest

from tests.deployment.conftest import HOST
from tests.peers.nginx_server import LOOPBACK

PASSWORD = "four quiet green lamps"
ANY = {"Accept-Encoding": "gzip, deflate, br"}


@pytest.fixture
def client(stack):
    transport = httpx.HTTPTransport(local_address=LOOPBACK)
    with httpx.Client(base_url=stack.nginx.url, headers={"Host": HOST, **ANY}, transport=transport, timeout=120) as it:
        yield it


class TestCompression:
    @pytest.mark.parametrize("path", ["/static/admin/css/base.css", "/static/admin/js/core.js"])
    def test_is_for_files(self, client, path):
        answer = client.get(path)
        assert answer.headers["Content-Encoding"] == "gzip"
        assert "Accept-Encoding" in answer.headers["Vary"]
        assert answer.num_bytes_downloaded < len(answer.content) / 2
        plain = client.get(path, headers={"Accept-Encoding": "identity"})
        assert "Content-Encoding" not in plain.headers
        assert plain.content == answer.content

    @pytest.mark.attack("CVE-2013-3587")
    def test_is_for_nothing_that_has_a_secret_or_repeats_the_request(self, client):
        mirrored = "A" * 1500
        body = {"username": "compressed", "email": "compressed@example.com", "password": PASSWORD}
        registered = client.post("/api/v1/auth/register", json=body)
        bearer = {"Authorization": f"Bearer {registered.json()['tokens']['access_token']}"}
        answers = [
            registered,  # tokens
            client.get("/api/v1/auth/me", headers=bearer),
            client.get("/api/v1/auth/sessions", headers={**bearer, "User-Agent": mirrored}),
            client.get(f"/admin/login/?next=/{mirrored}", headers={"Accept": "text/html"}),  # a token of CSRF
            client.get(f"/api/v1/{mirrored}"),
            client.get("/.well-known/jwks.json"),
            client.get("/api/docs", headers={"Accept": "text/html"}),
        ]
        assert [answer.status_code for answer in answers] == [201, 200, 200, 200, 404, 200, 401]
        for answer in answers:
            assert "Content-Encoding" not in answer.headers, answer.url
        assert len(answers[3].content) > 1024  # large enough that a rule for all would have compressed it

    def test_leaves_a_refusal_of_the_description_readable(self, client):
        answer = client.get("/api/schema")
        assert answer.status_code == 401
        assert json.loads(answer.content)["code"] == "authentication_required"
