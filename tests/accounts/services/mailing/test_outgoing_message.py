"""The headers as they go out, judged by Python's parsers of mail and by a real SMTP server."""

import re
from email import message_from_bytes, policy
from email.header import decode_header, make_header

import pytest
from django.core.mail import get_connection

from accounts.branding import logo
from accounts.services.mailing.outgoing_message import OutgoingMessage, sender
from tests.accounts.branding.png import png
from tests.peers.mail_server import MailServer

SUBJECT = "یک نشست شما برای ایمنی پایان یافت و باید دوباره وارد شوید تا ادامه دهید"
NAME = "فروشگاه بزرگ کتاب‌های کمیاب و قدیمی تهران و حومه"


@pytest.fixture(scope="module")
def server():
    running = MailServer().start()
    yield running
    running.stop()


def lines(content, name):
    """Return the lines of a header as they are on the wire."""
    found = re.search(rb"^%s:.*(?:\r?\n[ \t].*)*" % name.encode(), content, re.MULTILINE)
    return found[0].decode("ascii").splitlines()


class TestHeaders:
    @pytest.mark.parametrize("subject", [SUBJECT, SUBJECT[:9], "Ünïcode " * 20, "Choose a new password"])
    def test_begin_in_the_line_of_their_name_and_come_back_whole(self, subject):
        message = OutgoingMessage(subject=subject, body="x", from_email=f'"{NAME}" <a@example.com>', to=["b@c.example"])

        content = message.message().as_bytes()

        for name in ("Subject", "From"):
            first, *rest = lines(content, name)
            assert first.removeprefix(f"{name}:").strip()
            assert all(line.strip() and len(line) <= 78 for line in (first, *rest))
        for judge in (policy.default, policy.SMTP, policy.strict):
            parsed = message_from_bytes(content, policy=judge)
            assert parsed["Subject"] == subject.strip() or parsed["Subject"] == subject
            assert parsed["From"].addresses[0].addr_spec == "a@example.com"
        # The new parser keeps the white space between the encoded words of a name (RFC 2047, 6.2, says otherwise).
        legacy = message_from_bytes(content, policy=policy.compat32)
        assert str(make_header(decode_header(legacy["From"]))) == f"{NAME} <a@example.com>"

    def test_arrive_so_at_a_mail_server(self, server):
        message = OutgoingMessage(subject=SUBJECT, body="x", from_email='"کتاب" <a@example.com>', to=["b@c.example"])
        message.connection = get_connection(
            "django.core.mail.backends.smtp.EmailBackend", host="127.0.0.1", port=server.port
        )

        message.send()

        (received,) = server.wait_for(1)
        assert received["Subject"] == SUBJECT
        assert received["From"].addresses[0].display_name == "کتاب"
        assert server.envelopes == [("a@example.com", ["b@c.example"])]

    @pytest.mark.parametrize("subject", ["a\nBcc: victim@example.com", f"{SUBJECT}\r\nBcc: victim@example.com"])
    def test_take_no_line_breaks(self, subject):
        with pytest.raises(ValueError, match="newlines"):
            OutgoingMessage(subject=subject, body="x", to=["b@c.example"]).message()


class TestLogo:
    def test_is_related_to_the_html_and_not_attached(self, tmp_path):
        path = tmp_path / "logo.png"
        path.write_bytes(png())
        message = OutgoingMessage(subject="x", body="text", to=["b@c.example"])
        message.attach_alternative('<img src="cid:logo.1@c.example">', "text/html")
        message.attach_logo(logo.read(str(path)), content_id="<logo.1@c.example>")

        parsed = message_from_bytes(message.message().as_bytes(), policy=policy.default)

        assert [part.get_content_type() for part in parsed.walk()] == [
            "multipart/related",
            "multipart/alternative",
            "text/plain",
            "text/html",
            "image/png",
        ]
        assert list(parsed.iter_attachments())[-1].get_content() == png()
        assert parsed.get_body(("html",)).get_content().strip() == '<img src="cid:logo.1@c.example">'
        assert 'src="data:image/png;base64,' in message.standalone_html()


class TestSender:
    @pytest.mark.parametrize(
        ("configured", "expected"),
        [
            ("no-reply@example.com", "Shop <no-reply@example.com>"),
            ("Accounts <no-reply@example.com>", "Accounts <no-reply@example.com>"),
        ],
    )
    def test_bears_the_name_of_the_application_unless_it_has_one(self, settings, configured, expected):
        settings.DEFAULT_FROM_EMAIL = configured

        assert sender("Shop") == expected

    def test_may_be_named_in_any_script(self, settings):
        settings.DEFAULT_FROM_EMAIL = "no-reply@example.com"

        assert sender(NAME) == f'"{NAME}" <no-reply@example.com>'
