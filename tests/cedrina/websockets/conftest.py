"""Two servers of one installation: one that serves HTTP and sockets, and daphne, as production serves sockets."""

import itertools
import json

import pytest

from cedrina.tooling.embedded import redis_server
from tests.event_writer import event_writer
from tests.journeys.person import Person
from tests.programs import served

_number = itertools.count(1)
DEAD_REDIS = "redis://127.0.0.1:1"


@pytest.fixture(scope="module")
def database_url():
    with served.database() as url:
        yield url


@pytest.fixture(scope="module")
def one_port(database_url):
    with served.serving(database_url=database_url, SOCKETS_PER_ADDRESS="10000") as running:
        yield running


@pytest.fixture(scope="module")
def daphne(database_url):
    """Redis is gone: sockets don't need it."""
    with served.serving(
        database_url=database_url, flags=("--sockets",), SOCKETS_PER_ADDRESS="10000", REDIS_URL=DEAD_REDIS
    ) as running:
        yield running


@pytest.fixture(scope="module")
def hints_redis(tmp_path_factory):
    """A Redis of which nobody else hears."""
    server = redis_server.RedisServer(tmp_path_factory.mktemp("hints"))
    server.start()
    yield server
    server.stop()


@pytest.fixture(scope="module")
def daphne_with_hints(database_url, hints_redis):
    """It looks at the trail once a second, since it would be told of events: by servers with this Redis."""
    with served.serving(
        database_url=database_url, flags=("--sockets",), SOCKETS_PER_ADDRESS="10000", REDIS_URL=hints_redis.url
    ) as running:
        yield running


@pytest.fixture(scope="module", params=["one_port", "daphne"])
def sockets(request, one_port):
    """Each of the two servers."""
    return request.getfixturevalue(request.param)


@pytest.fixture(scope="module")
def operator(one_port):
    made = one_port.manage("create_admin", "--username", "keeper", "--email", "keeper@example.com", "--json")
    keeper = Person(one_port, name="keeper")
    keeper.password = json.loads(made)["password"]
    assert keeper.sign_in().status_code == 200
    yield keeper
    keeper.close()


@pytest.fixture
def person(one_port):
    """Somebody who has just signed in."""
    someone = Person(one_port, number=next(_number))
    assert someone.register().status_code == 201
    yield someone
    someone.close()


@pytest.fixture
def writer(database_url):
    with event_writer(database_url) as found:
        yield found
