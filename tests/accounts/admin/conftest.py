"""What the tests of the admin share: an empty cache, and an administrator."""

import pytest
from django.core.cache import cache

from tests.factories.accounts import PASSWORD, UserFactory


@pytest.fixture(autouse=True)
def empty_cache():
    cache.clear()


@pytest.fixture
def boss():
    return UserFactory(username="boss", raw_password=PASSWORD, admin=True)
