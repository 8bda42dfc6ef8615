import pytest

from accounts.services.mailing.mail_messages import MAIL_TEXTS
from accounts.services.mailing.mail_queue import MailKind


@pytest.mark.parametrize("kind", list(MailKind))
class TestTexts:
    def test_have_a_subject_without_text_of_users(self, kind):
        assert "%" not in str(MAIL_TEXTS[kind].subject)
        assert "{" not in str(MAIL_TEXTS[kind].subject)

    def test_say_something_and_need_no_word_that_is_not_given(self, kind):
        text = MAIL_TEXTS[kind]
        sentences = [*text.paragraphs, text.warning]
        words = {"lifetime": "7 days", "expires": "tomorrow", "code": "4820 3911", "finding": "There was a sign-in."}
        assert all(str(sentence) % words for sentence in sentences if sentence)
        assert text.paragraphs

    def test_offer_a_button_where_they_report_a_possible_takeover(self, kind):
        assert bool(MAIL_TEXTS[kind].button) >= MAIL_TEXTS[kind].is_alarm
