"""The page at `/`."""

import re

import pytest
from django.http import HttpResponse
from django.test import Client, override_settings
from django.urls import path

from cedrina.urls import handler400, handler403, handler404, handler500
from cedrina.urls import urlpatterns as real

urlpatterns = [*real, path("dev/mail", HttpResponse)]


def get(**options):
    return Client().get("/", **options)


class TestHome:
    def test_says_what_this_is_and_where_everything_is(self):
        response = get()
        page = response.content.decode()
        assert response.status_code == 200
        # Without the mark `django_db` a query would fail.
        for url in ("/api/docs", "/admin/", "/readyz"):
            assert f'href="{url}"' in page
        assert re.search(r'href="(/api/docs/guide|https://cedrina\.dev/docs/)"', page)
        assert "style-src 'self'" in response["Content-Security-Policy"]
        assert not response.cookies
        assert "Accept-Language" in response["Vary"]

    def test_links_the_inbox_only_where_it_exists(self):
        assert "/dev/mail" not in get().content.decode()
        with override_settings(ROOT_URLCONF=__name__):
            assert 'href="/dev/mail"' in get().content.decode()

    @pytest.mark.parametrize(("language", "direction"), [("en", "ltr"), ("es", "ltr"), ("fa", "rtl"), ("ar", "rtl")])
    def test_is_in_the_language_that_is_asked_for(self, language, direction):
        for response in (get(query_params={"lang": language}), get(headers={"Accept-Language": language})):
            assert f'<html lang="{language}" dir="{direction}"' in response.content.decode()
            assert response["Content-Language"] == language

    @pytest.mark.attack("CWE-79")
    def test_ignores_a_language_that_there_is_not(self):
        assert "alert" not in get(query_params={"lang": '"><script>alert(1)</script>'}).content.decode()
