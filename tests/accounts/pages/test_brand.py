"""The application on its pages."""

import re

import pytest
from django.test import Client

from accounts.branding import logo
from accounts.branding.brand import current
from tests.accounts.branding.png import png

BRAND = {
    "APP_NAME": "Café <Ünïcode>",
    "APP_URL": "https://shop.example.com",
    "SUPPORT_EMAIL": "help@shop.example.com",
    "BRAND_COLOUR": "#ffe14d",
}


@pytest.fixture(autouse=True)
def brand(settings, tmp_path):
    path = tmp_path / "logo.png"
    path.write_bytes(png())
    logo.read.cache_clear()
    settings.ACCOUNTS = {**settings.ACCOUNTS, **BRAND, "BRAND_LOGO": str(path)}


@pytest.fixture
def browser():
    return Client(headers={"accept": "text/html"})


class TestPages:
    @pytest.mark.parametrize("path", ["/account/forgot-password", "/account/done/password-set", "/account/nowhere"])
    def test_speak_of_the_application_and_lead_back_to_it(self, browser, path):
        page = browser.get(path).content.decode()

        assert "– Café &lt;Ünïcode&gt;</title>" in page
        assert '<a class="brand" href="https://shop.example.com">' in page
        assert 'alt="Café &lt;Ünïcode&gt;"' in page
        assert "<Ünïcode>" not in page

    def test_say_where_to_ask(self, browser):
        page = browser.get("/account/forgot-password").content.decode()

        assert 'Write to <a href="mailto:help@shop.example.com"><bdi>help@shop.example.com</bdi></a>.' in page

    @pytest.mark.django_db
    def test_of_the_admin_bear_its_name(self, browser):
        assert "Café &lt;Ünïcode&gt;" in browser.get("/admin/login/").content.decode()


class TestFiles:
    def test_are_kept_by_browsers_until_the_settings_change(self, browser):
        page = browser.get("/account/forgot-password").content.decode()
        addresses = re.findall(r'(?:href|src)="(/account/brand/[^"]+)"', page)

        assert len(addresses) == 3
        for address in addresses:
            answer = browser.get(address)
            assert (answer.status_code, answer["Cache-Control"]) == (200, "public, max-age=31536000, immutable")
            assert not answer.cookies
            assert browser.get(address.partition("?")[0])["Cache-Control"] == "no-cache"

    def test_have_their_types_and_contents(self, browser):
        colours, picture, icon = (
            browser.get(f"/account/brand/{name}") for name in ("colours.css", "logo.png", "icon.svg")
        )

        assert colours["Content-Type"] == "text/css; charset=utf-8"
        assert "--brand:#ffe14d;--on-brand:#000000" in colours.content.decode()
        assert (picture["Content-Type"], picture.content) == ("image/png", png())
        assert icon["Content-Type"] == "image/svg+xml"
        assert ">C</text>" in icon.content.decode()
        assert all(answer["X-Content-Type-Options"] == "nosniff" for answer in (colours, picture, icon))

    def test_have_a_name_that_no_markup_can_leave(self, browser, settings):
        settings.ACCOUNTS = {**settings.ACCOUNTS, "APP_NAME": "<script>"}

        assert "&lt;</text>" in browser.get("/account/brand/icon.svg").content.decode()

    def test_without_a_logo_show_the_name(self, browser, settings):
        settings.ACCOUNTS = {**settings.ACCOUNTS, "BRAND_LOGO": ""}

        assert browser.get("/account/brand/logo.png").status_code == 404
        assert "<bdi>Café &lt;Ünïcode&gt;</bdi>" in browser.get("/account/forgot-password").content.decode()

    def test_change_their_address_with_the_colour(self, settings):
        before = current()
        settings.ACCOUNTS = {**settings.ACCOUNTS, "BRAND_COLOUR": "#000000"}

        assert current().style_version != before.style_version
        assert current().icon_version != before.icon_version
