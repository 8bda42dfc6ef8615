"""The mails of development, as the browser of the same machine sees them."""

import os
from concurrent.futures import ThreadPoolExecutor
from uuid import UUID

import pytest
from django.conf import settings
from django.test import Client

from accounts.services.mailing import mail_previews
from accounts.services.mailing.mail_queue import MailKind
from cedrina.tooling.sent_mail import storage
from cedrina.tooling.sent_mail.backend import FolderBackend
from tests.cedrina.settings.test_environment import PRODUCTION
from tests.programs import forked_programs

HOSTILE = b"""Subject: =?utf-8?q?=3Cscript=3Ealert=281=29=3C/script=3E?=
To: <b>@example.com
Content-Type: text/html; charset=utf-8

<script>alert(1)</script><form action="https://evil.example"><img src="https://evil.example/x.png">
"""


@pytest.fixture
def folder(settings, tmp_path):
    settings.EMAIL_FILE_PATH = str(tmp_path / "mail")
    return tmp_path / "mail"


@pytest.fixture
def browser():
    return Client(headers={"accept": "text/html"})


def sent(now, kind=MailKind.RESET_PASSWORD):
    FolderBackend().send_messages([mail_previews.sample(kind=kind, language="fa", now=now)])


class TestInbox:
    def test_shows_the_newest_first(self, browser, folder, now):
        sent(now)
        sent(now, MailKind.NEW_DEVICE)

        page = browser.get("/dev/mail").content.decode()

        first, second = (mail.message["Subject"] for mail in storage.newest_first(folder))
        assert 0 < page.index(first) < page.index(second)
        assert page.count("mina@example.com") == 2

    def test_says_where_mails_are_when_they_are_not_here(self, browser):
        assert "EMAIL_URL sends mail elsewhere" in browser.get("/dev/mail").content.decode()

    def test_has_a_preview_of_every_mail_in_every_language(self, browser):
        for kind in MailKind:
            for language, _name in settings.LANGUAGES:
                page = browser.get(f"/dev/mail/preview/{kind}/{language}")
                assert page.status_code == 200
                html = browser.get(f"/dev/mail/preview/{kind}/{language}/html").content.decode()
                assert f'<html lang="{language}"' in html


class TestMail:
    def test_is_shown_with_its_link_and_its_html_in_a_frame(self, browser, folder, now):
        sent(now)
        (mail,) = storage.newest_first(folder)

        page = browser.get(f"/dev/mail/{mail.name}").content.decode()

        assert f'src="/dev/mail/{mail.name}/html"' in page
        assert 'sandbox="allow-popups allow-popups-to-escape-sandbox"' in page
        assert f'/account/reset-password/{mail_previews.SAMPLE_TOKEN}?lang=fa"' in page

    def test_of_others_runs_and_fetches_nothing(self, browser, folder):
        storage.store(HOSTILE, folder=folder)
        (mail,) = storage.newest_first(folder)

        page, html = browser.get(f"/dev/mail/{mail.name}"), browser.get(f"/dev/mail/{mail.name}/html")

        assert "<script>" not in page.content.decode()
        assert "script-src" not in page["Content-Security-Policy"]
        policy = html["Content-Security-Policy"]
        assert "default-src 'none'" in policy
        assert "sandbox" in policy
        assert "allow-scripts" not in policy
        assert html["Cache-Control"] == page["Cache-Control"] == "no-store"
        assert html["Referrer-Policy"] == "no-referrer"

    @pytest.mark.parametrize("name", ["nothing", "..", "..%2f..%2fmanage", str(UUID(int=0)), "%00"])
    def test_that_is_not_there_is_not_found(self, browser, folder, name):
        assert browser.get(f"/dev/mail/{name}").status_code == 404
        assert browser.get(f"/dev/mail/preview/{name}/en").status_code == 404


class TestReach:
    @pytest.mark.parametrize("path", ["/dev/mail", "/dev/mail/preview/new_device/en"])
    @pytest.mark.parametrize("address", ["192.0.2.7", "2001:db8::7"])
    def test_ends_at_this_machine(self, browser, folder, path, address):
        assert browser.get(path, REMOTE_ADDR=address).status_code == 404
        assert browser.get(path).status_code == 200

    @pytest.mark.parametrize("environment", ["staging", "production"])
    def test_ends_with_development(self, environment):
        script = (
            "import django; django.setup()\n"
            "from django.urls import Resolver404, resolve\n"
            "resolve('/livez')\n"
            "try: resolve('/dev/mail')\n"
            "except Resolver404: print('not there')"
        )
        inherited = {name: value for name, value in os.environ.items() if name in ("PATH", "HOME", "LANG")}
        module = {"DJANGO_SETTINGS_MODULE": "cedrina.settings.prod"}
        settings_of_it = {**inherited, **PRODUCTION, **module, "CEDRINA_ENV": environment}
        _, out, err = forked_programs.run(["-c", script], environment=settings_of_it)
        assert out.strip() == "not there", err


class TestStorage:
    def test_keeps_the_newest_alone(self, folder):
        for number in range(storage.MOST + 3):
            storage.store(f"Subject: {number}\n\n".encode(), folder=folder)

        kept = storage.newest_first(folder)
        assert [mail.message["Subject"] for mail in (kept[0], kept[-1])] == [str(storage.MOST + 2), "3"]
        assert len(list(folder.iterdir())) == storage.MOST

    def test_takes_mails_of_many_at_once(self, folder):
        with ThreadPoolExecutor(8) as threads:
            list(threads.map(lambda number: storage.store(b"Subject: %d\n\n" % number, folder=folder), range(300)))

        assert len(storage.newest_first(folder)) == storage.MOST
        assert not list(folder.glob("*.part"))

    def test_is_for_the_owner_alone_and_has_an_end(self, folder):
        storage.store(b"x" * (storage.MAX_BYTES + 1), folder=folder)
        assert not folder.exists()
        storage.store(b"Subject: x\n\n", folder=folder)
        (path,) = folder.iterdir()
        assert (folder.stat().st_mode & 0o777, path.stat().st_mode & 0o777) == (0o700, 0o600)
