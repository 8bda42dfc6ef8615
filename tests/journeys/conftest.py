"""A served process for journeys, and users for them."""

import itertools

import pytest

from tests.journeys.person import Person
from tests.programs import served

_number = itertools.count(1)


@pytest.fixture(scope="session")
def database_url():
    with served.database() as url:
        yield url


@pytest.fixture(scope="session")
def server(database_url):
    """One server for all journeys that leave it as it was."""
    with served.serving(database_url=database_url) as running:
        yield running


@pytest.fixture(scope="session")
def issuer_server(database_url):
    """A server that is its own issuer, at the address where OAuth clients look for it (RFC 8414, 3)."""
    running = served.Served(database_url=database_url)
    running.environment["PUBLIC_URL"] = running.url
    try:
        yield running.start()
    finally:
        running.stop()


@pytest.fixture(scope="session")
def other_server(database_url, server):
    """A second process on the same database, of the other kind, for all journeys that leave it as it was."""
    with served.serving(database_url=database_url, flags=("--http",)) as running:
        yield running


@pytest.fixture
def newcomer():
    """Make people who have no account yet at the given server."""
    opened = []

    def make(at, **options):
        person = Person(at, number=next(_number), **options)
        opened.append(person)
        return person

    yield make
    for person in opened:
        person.close()
