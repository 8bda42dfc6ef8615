"""The short lines of a development machine."""

import logging
import os

import pytest
from django.core.mail import EmailMessage, EmailMultiAlternatives, get_connection

from cedrina.operations import console_lines
from cedrina.operations.mail_lines import link_of
from tests.programs import forked_programs

TOKEN = "cdm_" + "A" * 30
SCRIPT = """
import structlog
from cedrina.operations import console_lines
from cedrina.operations.logging import configure
configure({{"FORMAT": "console", "LEVEL": "{level}", "FILE": None, "HAS_SHORT_LINES": True}})
console_lines.log_request(method="GET", path="/api/v1/auth/me", status=200, milliseconds=2.6)
console_lines.log_request(method="GET", path="/readyz", status=200, milliseconds=2.6)
console_lines.log_mail(recipient="ada@app.test", subject="Confirm", link="http://localhost:8000/account/x/{token}")
for severity in ("info", "low", "medium", "high"):
    structlog.get_logger("cedrina.security").info("security_event", type=f"a.{{severity}}", severity=severity,
        outcome="failure", actor_name="ad***", ip_address="192.0.2.1", data='{{"email": "ada@example.org"}}')
"""


def lines(level):
    script = SCRIPT.format(level=level, token=TOKEN)
    code, out, err = forked_programs.run(["-c", script], environment=dict(os.environ))
    assert (code, out) == (0, ""), err
    return err.splitlines()


@pytest.mark.process
class TestLines:
    def test_are_short_and_tell_of_events_from_medium_severity_on(self):
        assert lines("INFO") == [
            "GET    /api/v1/auth/me  200  3 ms",
            f"mail  ada@app.test  Confirm  http://localhost:8000/account/x/{TOKEN}",
            'event  medium  a.medium  failure  by ad***  from 192.0.2.1  data={"email": "a***@example.org"}',
            'event  high  a.high  failure  by ad***  from 192.0.2.1  data={"email": "a***@example.org"}',
        ]

    def test_are_all_there_when_debugging(self):
        kinds = [line.split()[:3] for line in lines("DEBUG")]
        assert ["GET", "/readyz", "200"] in kinds
        assert ["event", "info", "a.info"] in kinds

    def test_are_silent_with_a_higher_level(self):
        assert lines("WARNING") == []


class TestShownPath:
    @pytest.mark.parametrize(
        ("path", "shown"),
        [
            ("/api/v1/auth/me", "/api/v1/auth/me"),
            ("/a b\n\x1b[2J", "/a%20b%0A%1B%5B2J"),
            ("/\u202ecod", "/%E2%80%AEcod"),
            ("/\udcff", "/%3F"),
            (f"/account/reset-password/{TOKEN}", "/account/reset-password/…"),
            ("/account/done/email-confirmed", "/account/done/email-confirmed"),
        ],
    )
    def test_has_nothing_that_a_terminal_obeys_and_no_mailed_token(self, path, shown):
        assert console_lines.shown_path(path) == shown

    def test_is_cut(self):
        assert len(console_lines.shown_path("/" + "é" * 3000)) <= console_lines.MAX_PATH_LENGTH + 1


class TestRenderLine:
    @pytest.mark.attack("CWE-150")
    def test_escapes_what_a_mail_or_an_event_brought(self):
        mail = {"logger": console_lines.MAIL, "recipient": "a@b.c", "subject": "x\r\nevent \x1b[31m", "link": ""}
        event = {"logger": console_lines.EVENT, "type": "a.b", "severity": "high", "data": "\x9b31m\u2028"}
        for values in (mail, event):
            assert console_lines.render_line(None, "", values).isprintable()


class TestMailLineBackend:
    def test_writes_a_line_for_each_mail_that_was_taken(self, settings, mailoutbox, caplog):
        settings.MAIL_LINES = {"BACKEND": "django.core.mail.backends.locmem.EmailBackend"}
        message = EmailMessage(
            subject="Confirm", body=f"Hello\n{settings.PUBLIC_URL}/account/x/1?lang=en\n", to=["a@b.c"]
        )
        with caplog.at_level(logging.INFO, logger=console_lines.MAIL):
            backend = get_connection("cedrina.operations.mail_lines.MailLineBackend")
            assert backend.send_messages([message]) == 1
        assert [each.subject for each in mailoutbox] == ["Confirm"]
        assert any("account/x/1" in record.getMessage() for record in caplog.records)

    def test_writes_none_for_a_mail_that_was_not(self, settings, caplog):
        settings.MAIL_LINES = {"BACKEND": "django.core.mail.backends.smtp.EmailBackend"}
        settings.EMAIL_HOST, settings.EMAIL_PORT = "127.0.0.1", 1
        message = EmailMessage(subject="Confirm", body="x", from_email="c@d.e", to=["a@b.c"])
        with caplog.at_level(logging.INFO, logger=console_lines.MAIL), pytest.raises(OSError):
            get_connection("cedrina.operations.mail_lines.MailLineBackend").send_messages([message])
        assert not caplog.records


class TestLinkOf:
    def test_is_the_first_page_of_ours(self, settings):
        body = f"See https://elsewhere.example/\n{settings.PUBLIC_URL}/account/reset-password/{TOKEN}?lang=en\nBye"
        message = EmailMultiAlternatives(body=body)
        assert link_of(message) == f"{settings.PUBLIC_URL}/account/reset-password/{TOKEN}?lang=en"
        assert link_of(EmailMessage(body="nothing")) == ""
