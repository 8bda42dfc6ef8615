"""The processes of production on this machine: two HTTP workers, a process for sockets, the shipped nginx in front."""

import os
from contextlib import ExitStack
from types import SimpleNamespace

import pytest

from tests.deployment import composed
from tests.peers import nginx_server
from tests.peers.nginx_server import LOOPBACK, Nginx
from tests.programs import served

HOST = "id.example.org"
PRODUCTION = {
    "CEDRINA_ENV": "production",
    "PUBLIC_URL": f"https://{HOST}",
    "ALLOWED_HOSTS": HOST,
    "DEFAULT_FROM_EMAIL": "cedrina@example.org",
    "TRUSTED_PROXIES": LOOPBACK,
    "BCRYPT_ROUNDS": "10",
}


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """Give what the guide's first block makes: the values of .env and of cedrina.env."""
    return composed.made_files(tmp_path_factory.mktemp("made"))


@pytest.fixture(scope="module")
def document(made):
    return composed.compose(made[0])


@pytest.fixture(scope="session")
def directory():
    with nginx_server.directory() as path:
        yield path


@pytest.fixture(scope="session")
def stack(directory):
    """Give the shipped deployment, running; nobody stops any part of it."""
    settings = {
        **PRODUCTION,
        "EMAIL_URL": f"filemail://{directory}/mail",
        "REDIS_URL": os.environ["REDIS_URL"],
        "is_forked": False,
    }
    with ExitStack() as everything:
        url = everything.enter_context(served.database())
        web = everything.enter_context(
            served.serving(database_url=url, flags=("--http",), WEB_CONCURRENCY="2", **settings)
        )
        sockets = everything.enter_context(served.serving(database_url=url, flags=("--sockets",), **settings))
        nginx = Nginx(directory=directory).use_shipped(web=web.port, sockets=sockets.port)
        everything.enter_context(nginx_server.running(nginx))
        yield SimpleNamespace(database_url=url, web=web, sockets=sockets, nginx=nginx, directory=directory)
