"""A served site with a difficult brand, its mails in a folder, and one Chromium for all tests."""

import re
import shutil
import time

import pytest

from cedrina.tooling.sent_mail import storage
from tests.accounts.branding.png import png
from tests.clients.browser import chromium_browser
from tests.peers.mail_server import worker
from tests.programs import served

LINK = re.compile(r"https?://[^/\s]+(/account/[a-z-]+/cdm_[A-Za-z0-9_-]+)")
# Neither white nor black pages can show it as text, and white text can't be read on it.
BRAND = {
    "APP_NAME": "Café Ünïcode",
    "APP_URL": "https://shop.example.com",
    "SUPPORT_EMAIL": "help@shop.example.com",
    "BRAND_COLOUR": "#ffe14d",
}


class Site:
    """A server, the worker beside it, and the mails that it sent."""

    def __init__(self, server, mails):
        self.server, self.url, self.mails = server, server.url, mails

    def wait_for_link(self, page, *, seconds=60):
        """Return the path of the newest mailed link to a page, once it was mailed."""
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            for mail in storage.newest_first(self.mails):
                found = LINK.search(mail.text)
                if found and found[1].startswith(f"/account/{page}/"):
                    return found[1]
            time.sleep(0.05)
        raise AssertionError(f"no mail with a link to {page}")


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    folder = tmp_path_factory.mktemp("brand")
    (folder / "logo.png").write_bytes(png())
    settings = {**BRAND, "BRAND_LOGO": str(folder / "logo.png"), "EMAIL_URL": f"filemail://{folder}/mail"}
    with (
        served.database() as url,
        served.serving(database_url=url, EMAIL_CONFIRMATION="optional", **settings) as running,
        worker(running),
    ):
        yield Site(running, folder / "mail")


@pytest.fixture(scope="module")
def chromium():
    with chromium_browser() as browser:
        yield browser
