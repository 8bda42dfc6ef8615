"""A PostgreSQL of its own with the two roles of the shipped script, migrated as `migrate` in the deployment does."""

import os
import subprocess
from contextlib import contextmanager
from types import SimpleNamespace
from urllib.parse import quote, urlsplit, urlunsplit

import psycopg
from django.db import connections
from environ import Env

from cedrina.tooling.embedded import postgres_server
from tests.peers.nginx_server import DEPLOY
from tests.programs import served

OWNER, SERVING = "cedrina_owner", "cedrina_app"
PASSWORDS = {OWNER: "of'the\\owner\" $(x)", SERVING: "of-the-servers"}


def url_of(base, role):
    place = urlsplit(base)
    return urlunsplit(place._replace(netloc=f"{role}:{quote(PASSWORDS[role], safe='')}@{place.hostname}:{place.port}"))


def connect(url):
    return psycopg.connect(url.replace("postgres://", "postgresql://"), autocommit=True)


@contextmanager
def default_connection(url):
    """Let Django's default connection in this process be another one, as a role."""
    own = connections["default"]
    other = type(own)({**own.settings_dict, **Env.db_url_config(url)}, "default")
    connections["default"] = other
    try:
        yield
    finally:
        other.close()
        connections["default"] = own


def run_script(server, directory, *, passwords=PASSWORDS):
    """Run deploy/postgres/roles.sh as the image does."""
    files = {}
    for variable, role in (
        ("OWNER_PASSWORD_FILE", OWNER),
        ("SERVING_PASSWORD_FILE", SERVING),
        ("REPLICATION_PASSWORD_FILE", "cedrina_replication"),
    ):
        if role not in passwords:
            continue
        path = directory / variable
        path.write_text(passwords[role] + "\n")
        files[variable] = str(path)
    place = urlsplit(server.url)
    return subprocess.run(
        ["sh", DEPLOY / "postgres" / "roles.sh"],
        env={
            "PATH": f"{server._binaries.directory}:{os.environ['PATH']}",
            "PGHOST": place.hostname,
            "PGPORT": str(place.port),
            "PGPASSWORD": place.password,
            "POSTGRES_USER": place.username,
            "POSTGRES_DB": place.path[1:],
            **files,
        },
        capture_output=True,
        text=True,
        check=False,
    )


@contextmanager
def two_roles(directory):
    """Give the addresses of the superuser, of the owner and of the serving role."""
    with postgres_server.temporary() as server:
        done = run_script(server, directory)
        assert done.returncode == 0, done.stderr
        urls = SimpleNamespace(
            superuser=server.url, owner=url_of(server.url, OWNER), serving=url_of(server.url, SERVING), server=server
        )
        migrate(urls)
        yield urls


def migrate(urls):
    environment = served.environment(DATABASE_URL=urls.serving, DATABASE_MIGRATION_URL=urls.owner)
    return served.manage("migrate", "--no-input", "--verbosity=1", environment=environment)
