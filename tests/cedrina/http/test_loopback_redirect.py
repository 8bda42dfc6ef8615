"""One name for a development machine, in a browser."""

import pytest
from django.conf import settings
from django.test import Client, override_settings

MIDDLEWARE = list(settings.MIDDLEWARE)
MIDDLEWARE.insert(1, "cedrina.http.loopback_redirect.LoopbackRedirectMiddleware")


@pytest.fixture
def client():
    with override_settings(PUBLIC_URL="http://localhost:8000", MIDDLEWARE=MIDDLEWARE):
        yield Client()


class TestLoopbackRedirectMiddleware:
    @pytest.mark.parametrize("host", ["127.0.0.1:8000", "[::1]:8000"])
    @pytest.mark.parametrize("path", ["/", "/admin/nowhere?next=/admin/&x=%0a", "/account/forgot-password"])
    def test_leads_pages_to_the_public_name(self, client, host, path):
        response = client.get(path, headers={"Host": host})
        assert (response.status_code, response["Location"]) == (
            307,
            f"http://localhost:8000{path}",
        )
        assert response["X-Correlation-ID"]

    # The end of a response looks at the connection that an earlier test may have left open.
    @pytest.mark.django_db
    @pytest.mark.parametrize(
        ("method", "path", "host"),
        [
            ("get", "/livez", "127.0.0.1:8000"),
            ("get", "/api/v1/auth/me", "127.0.0.1:8000"),
            ("get", "/static/accounts/pages.css", "127.0.0.1:8000"),
            ("get", "/account/brand/colours.css", "127.0.0.1:8000"),
            ("post", "/account/forgot-password", "127.0.0.1:8000"),
            ("get", "/", "127.0.0.1:9000"),  # a forwarded port: `localhost:8000` may lead elsewhere
            ("get", "/", "localhost:8000"),
            ("get", "/", "evil.example"),
        ],
    )
    def test_leaves_everything_else_alone(self, client, method, path, host):
        response = getattr(client, method)(path, headers={"Host": host})
        assert response.status_code != 307
        response.close()

    @pytest.mark.attack("CWE-601")
    @pytest.mark.parametrize("path", ["//evil.example/admin/", "/admin//evil.example", "/admin/@evil.example"])
    def test_leads_nowhere_else(self, client, path):
        response = client.get(path, headers={"Host": "127.0.0.1:8000"})
        assert response.headers.get("Location", "http://localhost:8000/").startswith("http://localhost:8000/")
