"""Who asks: people and service clients with access tokens."""

import itertools

from rest_framework.test import APIClient

from tests.factories.accounts import UserFactory, give
from tests.factories.service_clients import answer, basic, post, register
from tests.factories.tokens import open_session

_number = itertools.count(1)


def person(*permissions, **details):
    """Return the API client of a person with permissions, and the person."""
    user = UserFactory(**details)
    if permissions:
        give(user, *permissions)
    api = APIClient()
    api.credentials(HTTP_AUTHORIZATION=f"Bearer {open_session(user=user).access_token}")
    return api, user


def service(*scopes):
    """Return the API client of a service client with scopes, and its id."""
    made = register(name=f"gateway {next(_number)}", scopes=scopes)
    api = APIClient()
    headers = basic(made.client.pk, made.secret)
    token = answer(post(api, "/oauth/token", {"grant_type": "client_credentials"}, headers=headers))[1]["access_token"]
    api.credentials(HTTP_AUTHORIZATION=f"Bearer {token}")
    return api, made.client.pk
