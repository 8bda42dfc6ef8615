import re
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from accounts.client_tokens import link_tokens
from accounts.models import MailedTokenPurpose, User
from accounts.services.mailing import mail_templates
from accounts.services.mailing.mail_messages import MAIL_TEXTS
from accounts.services.mailing.mail_queue import MailKind
from cedrina_base.uuids import uuid7
from tests.mailbox import LINK

WHEN = datetime(2026, 3, 1, 12, 5, tzinfo=UTC)
DIRECTIONS = {"en": "ltr", "es": "ltr", "fa": "rtl", "ar": "rtl"}


@pytest.fixture(autouse=True)
def public_url(settings):
    settings.ACCOUNTS = {**settings.ACCOUNTS, "PUBLIC_URL": "https://id.example.com"}


def draft(kind, *, locale="en", **changes):
    mail_id = uuid7()
    purpose = mail_templates.TOKEN_PURPOSES.get(kind, MailedTokenPurpose.DISOWN)
    return mail_templates.MailDraft(
        **{
            "mail_id": mail_id,
            "kind": kind,
            "user": User(username="mina", email="a@example.com", locale=locale),
            "address": "Mina@example.com",
            "occurred_at": WHEN,
            "token": link_tokens.mint(purpose=purpose, mail_id=mail_id) if purpose else "",
            **changes,
        }
    )


@pytest.mark.parametrize("kind", list(MailKind))
class TestEveryMail:
    @pytest.mark.parametrize("language", DIRECTIONS)
    def test_is_complete_in_text_and_html_and_reads_in_the_right_direction(self, kind, language):
        message = mail_templates.compose(draft=draft(kind, locale=language))

        html = message.alternatives[0][0]
        assert f'<html lang="{language}" dir="{DIRECTIONS[language]}">' in html
        assert ("text-align:right" in html) == (DIRECTIONS[language] == "rtl")
        for text in (message.body, html):
            assert "mina" in text
            assert "%(" not in text
            assert "{" not in text.split("</style>")[-1]
        for paragraph in MAIL_TEXTS[kind].paragraphs:
            assert str(paragraph)

    def test_leads_to_the_public_url_alone(self, kind):
        message = mail_templates.compose(draft=draft(kind, locale="fa"))

        for text in (message.body, message.alternatives[0][0]):
            assert text.count("://") == text.count("https://id.example.com")
            assert {base for base, *_rest in LINK.findall(text)} <= {"https://id.example.com"}
            assert {language for *_rest, language in LINK.findall(text)} <= {"fa"}
        has_token = mail_templates.TOKEN_PURPOSES.get(kind, MailedTokenPurpose.DISOWN) is not None
        assert bool(LINK.findall(message.body)) == has_token

    def test_loads_nothing_and_runs_nothing(self, kind):
        html = mail_templates.compose(draft=draft(kind)).alternatives[0][0]
        for word in ("<img", "<script", "url(", "@import", "<link", "http-equiv"):
            assert word not in html

    def test_goes_to_the_address_of_the_mail_with_a_fixed_subject(self, kind):
        message = mail_templates.compose(draft=draft(kind))
        assert (message.to, message.subject) == (["Mina@example.com"], str(MAIL_TEXTS[kind].subject))


class TestCompose:
    def test_gives_a_mail_the_same_message_id_each_time(self):
        one = draft(MailKind.PASSWORD_CHANGED)

        first, second = (mail_templates.compose(draft=one).message()["Message-ID"] for _ in range(2))

        assert first == second == f"<{one.mail_id}@id.example.com>"
        assert mail_templates.compose(draft=one).message()["Auto-Submitted"] == "auto-generated"

    def test_shows_the_circumstances_that_can_be_shown(self):
        details = {"device": "Firefox on Ubuntu", "ip_address": "2001:db8::7", "factor": "totp", "provider": "google"}
        body = mail_templates.compose(draft=draft(MailKind.NEW_DEVICE, details=details)).body

        for words in ("Firefox on Ubuntu", "2001:db8::7", "authenticator app", "Google", "1 March 2026, 12:05 UTC"):
            assert words in body

    @pytest.mark.parametrize("device", ["visit evil.example", "https://evil", "<b>x</b>", "a\nb", "x" * 61, "evil/now"])
    def test_shows_nothing_that_could_pass_for_a_link(self, device):
        message = mail_templates.compose(
            draft=draft(MailKind.NEW_DEVICE, details={"device": device, "provider": device})
        )

        assert device not in message.body + message.alternatives[0][0]

    @pytest.mark.parametrize(
        ("language", "moment"),
        [
            ("en", "1 March 2026, 12:05 UTC"),
            ("es", "1 de marzo de 2026 a las 12:05 UTC"),
            ("fa", "1 مارس 2026، ساعت 12:05 UTC"),
            ("ar", "1 مارس 2026، 12:05 UTC"),
        ],
    )
    def test_writes_dates_as_the_reader_does_with_the_same_digits(self, language, moment):
        message = mail_templates.compose(draft=draft(MailKind.PASSWORD_CHANGED, locale=language))

        for text in (message.body, message.alternatives[0][0]):
            assert moment in text
            assert not re.search(r"[۰-۹٠-٩]", text)

    @pytest.mark.parametrize(
        ("language", "label"),
        [("en", "Recovery codes left"), ("fa", "کدهای بازیابی باقی‌مانده")],
    )
    def test_says_how_many_recovery_codes_are_left(self, language, label):
        message = mail_templates.compose(
            draft=draft(MailKind.RECOVERY_CODE_USED, locale=language, details={"left": "0"})
        )

        assert re.search(rf"{label}: \W?0\W?\n", message.body)
        assert label in message.alternatives[0][0]

    @pytest.mark.parametrize(
        ("language", "line"),
        [
            ("en", "The account is kept until: 31 March 2026, 22:30 UTC"),
            ("ar", "يُحفظ الحساب حتى: \N{FIRST STRONG ISOLATE}31 مارس 2026، 22:30 UTC"),
        ],
    )
    def test_says_until_when_a_deletion_can_be_taken_back(self, language, line):
        details = {"erased_after": "2026-04-01T02:00:00+03:30"}
        body = mail_templates.compose(draft=draft(MailKind.DELETION_REQUESTED, locale=language, details=details)).body

        assert line in body

    @pytest.mark.parametrize(
        "details",
        [
            {"left": "evil.example"},
            {"left": "7 https://evil"},
            {"left": "٧"},
            {"left": "-1"},
            {"left": "1234"},
            {"erased_after": "soon, at evil.example"},
            {"erased_after": "2026-04-01T02:00:00"},
            {"erased_after": "0001-01-01T00:00:00+14:00"},
            {"erased_after": ""},
        ],
    )
    def test_shows_no_detail_that_is_not_a_number_or_a_moment(self, details):
        one = draft(MailKind.DELETION_REQUESTED)

        assert (
            mail_templates.compose(draft=replace(one, details=details)).body == mail_templates.compose(draft=one).body
        )

    @pytest.mark.parametrize("language", DIRECTIONS)
    def test_keeps_names_and_addresses_in_their_order(self, language):
        details = {"ip_address": "2001:db8::7"}
        user = User(username="7-mina_", locale=language)
        message = mail_templates.compose(draft=draft(MailKind.NEW_DEVICE, details=details, user=user))

        html = message.alternatives[0][0]
        for name in ("7-mina_", "https://id.example.com"):
            assert f"<bdi>{name}</bdi>" in html
        assert re.search(r"<bdi[^>]*>2001:db8::7</bdi>", html)
        is_marked = DIRECTIONS[language] == "rtl"
        assert ("\N{LEFT-TO-RIGHT MARK}7-mina_" in message.body) == is_marked
        assert ("\N{FIRST STRONG ISOLATE}2001:db8::7\N{POP DIRECTIONAL ISOLATE}\n" in message.body) == is_marked

    @pytest.mark.parametrize(
        ("span", "words"),
        [
            (timedelta(minutes=10), "10 minutes"),
            (timedelta(minutes=1), "1 minute"),
            (timedelta(hours=1), "1 hour"),
            (timedelta(days=1), "24 hours"),
            (timedelta(days=7), "7 days"),
            (timedelta(minutes=90), "90 minutes"),
        ],
    )
    def test_says_how_long_a_link_is_good_for(self, settings, span, words):
        settings.ACCOUNTS = {**settings.ACCOUNTS, "PASSWORD_RESET_TTL": span}

        assert f"for {words}." in mail_templates.compose(draft=draft(MailKind.RESET_PASSWORD)).body

    def test_writes_in_the_default_language_to_whom_it_does_not_know(self):
        assert mail_templates.recipient_language(user=User(locale="tlh")) == "en"


class TestMessageId:
    @pytest.mark.parametrize(
        ("url", "domain"),
        [
            ("https://id.example.com:8443/x", "id.example.com"),
            ("http://localhost:8000", "localhost.invalid"),
            ("https://konto.stra\u00dfe.de", "konto.xn--strae-oqa.de"),
            ("https://a\u2603", "localhost.invalid"),
        ],
    )
    def test_has_a_domain_that_is_one(self, settings, url, domain):
        settings.ACCOUNTS = {**settings.ACCOUNTS, "PUBLIC_URL": url}

        assert mail_templates.message_id(mail_id=uuid7()).endswith(f"@{domain}>")
