"""A mail is in the language of the account, whatever language the request was in."""

import pytest
from django.core import mail as outbox
from django.utils import formats, translation

from accounts.services import mail
from tests.factories.accounts import UserFactory

LANGUAGES = ("en", "es", "fa", "ar")
WHEN = "2026-03-01T12:05:00+00:00"


class TestSubjects:
    @pytest.mark.parametrize("kind", mail.Kind)
    def test_differ_in_every_language(self, kind):
        said = set()
        for language in LANGUAGES:
            with translation.override(language):
                said.add(str(mail.SUBJECTS[kind]))
        assert len(said) == len(LANGUAGES)

    @pytest.mark.django_db
    @pytest.mark.parametrize(
        ("language", "subject"),
        [
            ("en", "Your password was changed"),
            ("es", "Se cambió su contraseña"),
            ("fa", "رمز عبور شما تغییر کرد"),
            ("ar", "غُيّرت كلمة مرورك"),
        ],
    )
    def test_are_in_the_language_of_the_reader(self, language, subject):
        with translation.override("es"):
            mail.send(user_id=UserFactory(locale=language).pk, kind=mail.Kind.PASSWORD_CHANGED, occurred_at=WHEN)

        message = outbox.outbox[0].message()
        assert outbox.outbox[0].subject == subject
        assert message["Subject"].encode("ascii")  # on its way it is ASCII, whatever the script (RFC 2047)


class TestDates:
    @pytest.mark.parametrize(
        ("language", "short", "long"),
        [
            ("en", "Y-m-d H:i", "j F Y, H:i"),
            ("es", "d/m/Y H:i", r"j \d\e F \d\e Y \a \l\a\s H:i"),
            ("fa", "Y/n/j،\N{RIGHT-TO-LEFT MARK} G:i", "j F Y، ساعت G:i"),
            ("ar", "Y/m/d H:i", "j F Y، H:i"),
        ],
    )
    def test_are_never_the_american_ones(self, language, short, long):
        with translation.override(language):
            assert formats.get_format("SHORT_DATETIME_FORMAT") == short
            assert formats.get_format("DATETIME_FORMAT") == long
