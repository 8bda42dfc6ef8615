"""A mailed link followed in Chromium, under the policies that its page is served with."""

import re
import shutil

import pytest

from tests.clients.browser import CHROMIUM, chromium_browser
from tests.journeys.person import NEW_PASSWORD, Person
from tests.mailbox import LINK
from tests.peers.mail_server import MailServer, worker
from tests.programs import served

pytestmark = [
    pytest.mark.browser,
    pytest.mark.skipif(CHROMIUM is None, reason="no Chromium was found"),
]


@pytest.fixture
def post_office():
    server = MailServer().start()
    yield server
    server.stop()


@pytest.fixture
def site(post_office):
    with (
        served.database() as url,
        served.serving(database_url=url, EMAIL_URL=post_office.url, EMAIL_CONFIRMATION="required") as running,
        worker(running),
    ):
        yield running


@pytest.fixture
def page():
    with chromium_browser() as browser:
        page = browser.new_page(java_script_enabled=False)
        page.complaints = []
        page.on("console", lambda message: page.complaints.append(message.text))
        page.sent = []
        page.on("request", lambda request: page.sent.append((request.url, request.headers.get("referer"))))
        yield page


class TestABrowserWithoutScripts:
    def test_confirms_an_address_and_chooses_a_password(self, site, post_office, page):
        person = Person(site, name="mina")
        person.register(locale="fa")

        page.goto(self.link(site, post_office, 1))
        assert page.get_attribute("html", "dir") == "rtl"
        assert page.evaluate("getComputedStyle(document.querySelector('button')).fontWeight") == "600"
        page.click("button")
        page.fill("#password", person.password)  # it is not the browser that registered
        page.fill("#password_again", person.password)
        page.click("button")
        page.wait_for_url(re.compile("/account/done/email-confirmed"))
        assert person.sign_in().status_code == 200

        person.send("POST", "/auth/forgot-password", {"email": person.address}, token="")
        page.goto(self.link(site, post_office, 2))
        page.fill("#new_password", "aaaaaaaaaaaaaaa")
        page.fill("#new_password_again", "aaaaaaaaaaaaaaa")
        page.click("button")
        assert page.inner_text("[role=alert]")
        assert page.url.count("cdm_") == 1
        page.fill("#new_password", NEW_PASSWORD)
        page.fill("#new_password_again", NEW_PASSWORD)
        page.click("button")
        page.wait_for_url(re.compile("/account/done/password-set"))

        assert person.sign_in(password=NEW_PASSWORD).status_code == 200
        assert not [complaint for complaint in page.complaints if "Policy" in complaint]
        assert not [url for url, referer in page.sent if referer]
        person.close()

    def link(self, site, post_office, number):
        message = post_office.wait_for(number)[number - 1]
        (_base, name, token, language) = LINK.search(message.get_body(("plain",)).get_content()).groups()
        return f"{site.url}/account/{name}/{token}?lang={language}"
