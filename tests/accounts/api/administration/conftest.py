"""Operators at the API."""

import pytest
from rest_framework.test import APIClient

from tests.factories.accounts import PASSWORD, UserFactory, give
from tests.factories.tokens import open_session


def client_of(user, **details):
    api = APIClient()
    api.credentials(HTTP_AUTHORIZATION=f"Bearer {open_session(user=user, **details).access_token}")
    return api


@pytest.fixture
def boss(db):
    return UserFactory(username="boss", admin=True, raw_password=PASSWORD)


@pytest.fixture
def operator(boss):
    """The API client of an administrator who has just signed in."""
    return client_of(boss)


@pytest.fixture
def staff_client(db):
    """Make the API client of a member of the staff with permissions, given by their code names."""

    def make(*codenames, **details):
        user = UserFactory(**details)
        give(user, *codenames)
        return client_of(user)

    return make
