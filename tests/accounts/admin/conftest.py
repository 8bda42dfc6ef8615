"""What the tests of the admin share: an empty cache, an administrator, a served process and a browser."""

import pytest
from django.core.cache import cache

from tests.clients.browser import chromium_browser
from tests.factories.accounts import PASSWORD, UserFactory
from tests.programs import served


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
    with chromium_browser() as browser:
        yield browser
