"""The guide as a page."""

import re

import pytest
from django.test import Client, override_settings

from cedrina.openapi.guide import PLACES, anchor, guide

production = override_settings(ENVIRONMENT="production")


class TestAnchor:
    def test_is_that_of_readers_of_markdown(self):
        assert anchor("Stay signed in") == "stay-signed-in"
        assert anchor("Social sign-in: `google`") == "social-sign-in-google"


class TestGuide:
    def test_has_each_heading_and_links_that_lead_somewhere(self):
        page = guide()
        text = re.sub(r"^```.*?^```", "", PLACES[0].read_text(encoding="utf-8"), flags=re.DOTALL | re.MULTILINE)
        titles = re.findall(r"^#{1,3} (.+)$", text, re.MULTILINE)
        assert len(titles) > 15
        assert [title for title in titles if f'id="{anchor(title)}"' not in page] == []
        for target in re.findall(r'href="([^"]+)"', page):
            assert target == "/api/schema" or f'id="{target.removeprefix("#")}"' in page, target


@pytest.mark.django_db
class TestThePage:
    def test_is_open_in_development_and_has_no_inline_code(self):
        answer = Client().get("/api/docs/guide", headers={"Accept": "text/html"})
        assert answer.status_code == 200
        assert answer["Content-Language"] == "en"
        assert "script-src 'self'" in answer["Content-Security-Policy"]
        assert b"<script>" not in answer.content
        assert b" style=" not in answer.content

    @production
    def test_is_closed_elsewhere(self):
        assert Client().get("/api/docs/guide", headers={"Accept": "text/html"}).status_code == 401
