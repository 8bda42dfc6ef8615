"""What the tests of the admin share: an empty cache, an administrator, a served process and a browser."""

import pytest
from django.core.cache import cache
from playwright.sync_api import sync_playwright

from tests import served
from tests.accounts.admin.admin_browser import CHROMIUM
from tests.factories.accounts import PASSWORD, UserFactory


@pytest.fixture(autouse=True)
def empty_cache():
    cache.clear()


@pytest.fixture
def boss():
    return UserFactory(username="boss", raw_password=PASSWORD, admin=True)


@pytest.fixture(scope="module")
def server():
    with served.database() as url, served.serving(database_url=url) as running:
        yield running


@pytest.fixture(scope="module")
def chromium():
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        yield browser
        browser.close()
