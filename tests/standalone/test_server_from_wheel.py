"""Cedrina as a whole runs from the wheel, with the environment of production and without this repository."""

import os

import httpx
import pytest

from tests.programs import served
from tests.standalone.requirements import hide_others

PRODUCTION = {
    "CEDRINA_ENV": "production",
    "PUBLIC_URL": "https://id.example.org",
    "ALLOWED_HOSTS": "id.example.org",
    "EMAIL_URL": "smtp://127.0.0.1",
    "EMAIL_CONFIRMATION": "required",
    "DEFAULT_FROM_EMAIL": "cedrina@example.org",
    "BCRYPT_ROUNDS": "12",
    "TRUSTED_PROXIES": "127.0.0.1",
}
LANGUAGES = ("en", "es", "fa", "ar")
AS_A_PROXY = {"Host": "id.example.org", "X-Forwarded-Proto": "https"}


@pytest.fixture(scope="module")
def client(installed, tmp_path_factory):
    folder = tmp_path_factory.mktemp("elsewhere")
    paths = (hide_others(folder, site=installed, extra="server"), installed)
    settings = {**PRODUCTION, "PYTHONPATH": os.pathsep.join(map(str, paths))}
    with (
        served.database() as url,
        served.serving(database_url=url, folder=folder, is_forked=False, **settings) as server,
        httpx.Client(base_url=server.url, headers=AS_A_PROXY, timeout=120) as client,
    ):
        yield client


class TestTheServer:
    def test_is_ready(self, client):
        assert client.get("/readyz").json() == {"status": "ok"}

    def test_has_the_pages_and_their_translations(self, client):
        assert "<h1>¿Olvidó su contraseña?</h1>" in client.get("/account/forgot-password?lang=es").text
        assert client.get("/admin/login/").status_code == 200

    def test_speaks_four_languages(self, client):
        titles = {
            client.get("/api/v1/auth/me", headers={"Accept-Language": code}).json()["title"] for code in LANGUAGES
        }

        assert len(titles) == len(LANGUAGES)

    @pytest.mark.parametrize("path", ["accounts/pages.css", "admin/css/base.css"])
    def test_has_the_static_files(self, client, path):
        answer = client.get(f"/static/{path}")

        assert answer.status_code == 200
        assert answer.headers["Content-Type"].startswith("text/css")
