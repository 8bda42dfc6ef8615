"""The application's settings: what is refused, and a project's own templates and sentences."""

import subprocess
import sys

import pytest

from cedrina.settings import environment
from tests.accounts.branding.png import png
from tests.cedrina.settings.test_environment import PRODUCTION, refused
from tests.programs import served


class TestLoad:
    @pytest.mark.parametrize(
        ("changes", "sentence"),
        [
            ({"APP_NAME": "x" * 61}, "APP_NAME must be a name of at most 60 characters"),
            ({"APP_NAME": "Shop: Books"}, "APP_NAME must be a name"),
            ({"APP_NAME": "Shop\nBcc: victim@example.com"}, "APP_NAME must be a name"),
            ({"APP_NAME": "Shop\N{RIGHT-TO-LEFT OVERRIDE}"}, "APP_NAME must be a name"),
            ({"APP_URL": "ftp://shop.example.com"}, "APP_URL must begin with one of"),
            ({"APP_URL": "javascript:alert(1)"}, "APP_URL must begin with one of"),
            ({"APP_URL": "http://shop.example.com"}, "APP_URL must begin with https://"),
            ({"APP_URL": "https://"}, "APP_URL must name a host"),
            ({"SUPPORT_EMAIL": "help"}, "SUPPORT_EMAIL must be an address of mail"),
            ({"SUPPORT_EMAIL": "a@b.example?bcc=c@d.example"}, "SUPPORT_EMAIL must be an address of mail"),
            ({"BRAND_COLOUR": "red"}, "BRAND_COLOUR must be a colour as #rrggbb"),
            ({"BRAND_COLOUR": "#fff;}"}, "BRAND_COLOUR must be a colour as #rrggbb"),
            ({"BRAND_LOGO": "/nowhere.png"}, "BRAND_LOGO must be the path of a PNG file that can be read"),
            ({"TEMPLATES_DIR": "/nowhere"}, "TEMPLATES_DIR must be the path of a folder that is there."),
        ],
    )
    def test_refuses_what_mails_and_pages_can_not_show(self, changes, sentence):
        found = refused(**changes)
        assert any(each.startswith(sentence) for each in found), found

    def test_takes_a_brand(self, tmp_path):
        (tmp_path / "logo.png").write_bytes(png())
        brand = {"APP_NAME": "کتاب & Co", "BRAND_COLOUR": "#FFE14D", "BRAND_LOGO": str(tmp_path / "logo.png")}

        values = environment.load({**PRODUCTION, **brand})

        assert (values.APP_NAME, values.BRAND_COLOUR) == ("کتاب & Co", "#ffe14d")


class TestOwnFiles:
    def test_replace_single_templates_and_sentences(self, tmp_path):
        template = tmp_path / "templates" / "accounts" / "mail" / "message.txt"
        template.parent.mkdir(parents=True)
        template.write_text("{{ app_name }}|{{ greeting }}|{{ link }}")
        catalogue = tmp_path / "locale" / "en" / "LC_MESSAGES"
        catalogue.mkdir(parents=True)
        (catalogue / "django.po").write_text(
            'msgid ""\nmsgstr "Content-Type: text/plain; charset=utf-8\\n"\n\n'
            'msgid "Choose a new password"\nmsgstr "Get back into your shop account"\n'
        )
        compile_ = ["-m", "babel.messages.frontend", "compile", "-d", str(tmp_path / "locale"), "-D", "django"]
        subprocess.run([sys.executable, *compile_], check=True, capture_output=True)
        own = {"TEMPLATES_DIR": str(tmp_path / "templates"), "LOCALE_DIR": str(tmp_path / "locale"), "APP_NAME": "Shop"}
        environment = served.environment(DATABASE_URL="postgres://nobody@127.0.0.1:1/none", **own)

        printed = served.manage("preview_mail", "reset_password", environment=environment)
        other = served.manage("preview_mail", "reset_password", "--language", "es", environment=environment)

        assert "Subject: Get back into your shop account" in printed
        assert "\nShop|Mina Karimi|http://127.0.0.1:8000/account/reset-password/cdm_" in printed
        assert "Shop|" in other
        assert "shop account" not in other

    def test_are_listed_by_kind(self):
        environment = served.environment(DATABASE_URL="postgres://nobody@127.0.0.1:1/none")

        assert "reset_password              Choose a new password" in served.manage(
            "preview_mail", environment=environment
        )
