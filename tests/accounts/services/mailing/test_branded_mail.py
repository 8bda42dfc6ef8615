"""The application in its mails."""

import pytest

from accounts.branding import logo
from accounts.models import User
from accounts.services.mailing import mail_previews, mail_templates
from accounts.services.mailing.mail_queue import MailKind
from tests.accounts.branding.png import png
from tests.accounts.services.mailing.test_mail_templates import draft

BRAND = {
    "APP_NAME": "Café <Ünïcode>",
    "APP_URL": "https://shop.example.com",
    "SUPPORT_EMAIL": "help@shop.example.com",
    "BRAND_COLOUR": "#ffe14d",
    "PUBLIC_URL": "https://id.example.com",
}


@pytest.fixture(autouse=True)
def brand(settings):
    settings.ACCOUNTS = {**settings.ACCOUNTS, **BRAND}


def composed(kind, *, locale="en", **person):
    user = User(username="mina", email="a@example.com", locale=locale, **person)
    return mail_templates.compose(draft=draft(kind, user=user))


class TestMail:
    @pytest.mark.parametrize("language", ["en", "es", "fa", "ar"])
    def test_speaks_of_the_application_and_leads_back_to_it(self, language):
        message = composed(MailKind.RESET_PASSWORD, locale=language)
        html = message.alternatives[0][0]

        assert message.from_email.startswith('"Café')
        for text in (message.body, html):
            assert "https://shop.example.com" in text
            assert "help@shop.example.com" in text
            assert "https://id.example.com/account/reset-password/cdm_" in text
        assert "Café <Ünïcode>" in message.body
        assert "Café &lt;Ünïcode&gt;" in html
        assert "<Ünïcode>" not in html

    def test_has_a_button_that_can_be_read_in_the_colour_of_the_brand(self):
        html = composed(MailKind.RESET_PASSWORD).alternatives[0][0]

        assert 'bgcolor="#ffe14d"' in html
        assert "padding:13px 26px; color:#000000" in html

    def test_keeps_the_colour_of_an_alarm(self):
        html = composed(MailKind.NEW_DEVICE).alternatives[0][0]

        assert 'bgcolor="#a8332a"' in html
        assert "padding:13px 26px; color:#ffffff" in html

    def test_has_the_logo_inside_of_it(self, settings, tmp_path):
        path = tmp_path / "logo.png"
        path.write_bytes(png())
        logo.read.cache_clear()
        settings.ACCOUNTS = {**settings.ACCOUNTS, "BRAND_LOGO": str(path)}

        message = composed(MailKind.RESET_PASSWORD)

        html = message.alternatives[0][0]
        assert html.count("<img") == 1
        content_id = next(part["Content-ID"] for part in message.message().walk() if part["Content-ID"])
        assert f'<img src="cid:{content_id.strip("<>")}" width="160" height="40" alt="Café &lt;Ünïcode&gt;"' in html

    def test_goes_out_without_a_logo_that_is_gone(self, settings):
        settings.ACCOUNTS = {**settings.ACCOUNTS, "BRAND_LOGO": "/nowhere/logo.png"}

        assert "<img" not in composed(MailKind.RESET_PASSWORD).alternatives[0][0]


class TestGreeting:
    def test_is_the_full_name_in_its_own_direction(self):
        message = composed(MailKind.RESET_PASSWORD, full_name="مینا کریمی")

        assert "Hello \N{FIRST STRONG ISOLATE}مینا کریمی\N{POP DIRECTIONAL ISOLATE}," in message.body
        assert "Hello <bdi>مینا کریمی</bdi>," in message.alternatives[0][0]

    @pytest.mark.parametrize("name", ["", "Win at evil.example", "<b>x</b>", "{{ link }}"])
    def test_is_the_username_where_the_name_could_be_a_message(self, name):
        message = composed(MailKind.CONFIRM_REGISTRATION, full_name=name)

        assert "Hello mina," in message.body
        assert "evil" not in message.body + message.alternatives[0][0]

    def test_is_the_username_where_the_text_refers_to_it(self):
        message = composed(MailKind.ADDRESS_ALREADY_REGISTERED, full_name="Mina Karimi")

        assert "Hello mina," in message.body


class TestSample:
    @pytest.mark.parametrize("kind", list(MailKind))
    def test_is_complete_and_has_a_link_that_nobody_can_use(self, kind, now):
        message = mail_previews.sample(kind=kind, language="fa", now=now)

        assert message.to == ["mina@example.com"]
        assert ("cdm_" in message.body) == mail_templates.has_token(kind)
        assert message.body.count("cdm_") == message.body.count(mail_previews.SAMPLE_TOKEN)
