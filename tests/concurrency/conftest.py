"""Threads that start together, each with a connection of its own."""

import threading
from concurrent.futures import ThreadPoolExecutor

import pytest
from django.db import connection

from tokens.access_tokens.keyring import keyring


@pytest.fixture(autouse=True)
def own_keys(transactional_db):
    """Each test empties the tables afterwards, the signing keys with them."""
    keyring.clear()
    yield
    keyring.clear()


@pytest.fixture
def at_once():
    """Call functions at the same moment; return what each returned or raised."""

    def call(*functions):
        together = threading.Barrier(len(functions))

        def one(function):
            try:
                connection.ensure_connection()
                together.wait(timeout=120)
                return function()
            except Exception as error:  # noqa: BLE001 - the test looks at it
                return error
            finally:
                connection.close()

        with ThreadPoolExecutor(len(functions)) as pool:
            return list(pool.map(one, functions))

    return call
