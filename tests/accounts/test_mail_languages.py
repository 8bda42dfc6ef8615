"""A mail is written in the language of the account, whatever the language of the request."""

import pytest
from django.utils import formats, timezone, translation

from accounts.models import OutgoingMail
from accounts.services.mailing import delivery, mail_queue, mail_templates
from accounts.services.mailing.mail_messages import FACTOR_NAMES, MAIL_TEXTS
from tests import mailbox
from tests.factories.accounts import UserFactory

LANGUAGES = ("en", "es", "fa", "ar")


def said(words):
    """Return what a sentence becomes in each language."""
    found = set()
    for language in LANGUAGES:
        with translation.override(language):
            found.add(str(words))
    return found


@pytest.mark.parametrize("kind", mail_queue.MailKind)
class TestTexts:
    def test_have_a_subject_that_differs_in_every_language(self, kind):
        assert len(said(MAIL_TEXTS[kind].subject)) == len(LANGUAGES)

    def test_differ_in_every_language_in_all_that_they_say(self, kind):
        text = MAIL_TEXTS[kind]
        for sentence in filter(None, (*text.paragraphs, text.button, text.warning)):
            assert len(said(sentence)) == len(LANGUAGES), sentence


@pytest.mark.parametrize("factor", FACTOR_NAMES)
def test_a_factor_has_a_name_in_every_language(factor):
    assert len(said(FACTOR_NAMES[factor])) == len(LANGUAGES)


@pytest.mark.django_db
class TestDelivery:
    @pytest.mark.parametrize(
        ("language", "subject"),
        [
            ("en", "Your password was changed"),
            ("es", "Se cambió su contraseña"),
            ("fa", "رمز عبور شما تغییر کرد"),
            ("ar", "غُيّرت كلمة مرورك"),
        ],
    )
    def test_is_in_the_language_of_the_reader(self, mailoutbox, language, subject):
        with translation.override("es"):
            mail_id = mail_queue.enqueue(
                user_id=UserFactory(locale=language).pk, kind=mail_queue.MailKind.PASSWORD_CHANGED
            )
            delivery.deliver(mail_id=mail_id, now=timezone.now())

        (sent,) = mailoutbox
        message = sent.message()
        assert sent.subject == subject
        assert message["Subject"].encode("ascii")  # on its way it is ASCII, whatever the script (RFC 2047)
        assert message["Content-Language"] == language
        assert mailbox.link_in(sent)[3] == language
        assert OutgoingMail.objects.get().sent_at

    def test_is_in_the_language_of_the_installation_where_the_readers_is_none_of_ours(self, settings, mailoutbox):
        settings.LANGUAGE_CODE = "ar"
        user = UserFactory(locale="tlh")

        with translation.override("es"):
            delivery.deliver(
                mail_id=mail_queue.enqueue(user_id=user.pk, kind=mail_queue.MailKind.PASSWORD_CHANGED),
                now=timezone.now(),
            )

        assert mail_templates.recipient_language(user=user) == "ar"
        assert mailoutbox[0].subject == "غُيّرت كلمة مرورك"


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
