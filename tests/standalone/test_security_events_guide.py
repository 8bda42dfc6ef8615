"""The code blocks of docs/security-events.md make a project that works: each is run as it stands there."""

import os
import re
import secrets
import subprocess
import sys
from urllib.parse import urlsplit, urlunsplit

import psycopg
import pytest
from psycopg import sql

from tests.standalone.test_standalone import ROOT

PAGE = (ROOT / "docs" / "security-events.md").read_text(encoding="utf-8")
BLOCK = re.compile(
    r"(?:^`(?P<path>[\w/]+\.py)`\n\n)?^```(?P<language>\w+)\n(?P<text>.*?)^```$", re.DOTALL | re.MULTILINE
)
BLOCKS = [match.groupdict() for match in BLOCK.finditer(PAGE)]
DATABASES = """
import environ
DATABASES = {"default": environ.Env().db_url("DATABASE_URL")}
"""
# What the page leaves to its reader: somebody calls what it defines.
CALLS = """
from types import SimpleNamespace
from django.test import Client
from security_events.context import current
from security_events.models import SecurityEvent
from shop import coupons, middleware, refunds

refunds.refund(order={"number": "A-17", "amount": 1200}, by=SimpleNamespace(pk=1, email="ada@example.com"))
print(SecurityEvent.objects.get().actor_name)
request = SimpleNamespace(META={"REMOTE_ADDR": "203.0.113.7"}, headers={"User-Agent": "Phone/1.0"})
print(middleware.security_context(lambda _request: current().ip_address)(request))
print([coupons.refuse_coupon(reason="expired") is not None for _ in range(2)])
"""
RESULTS = """
print([event.target_id for event in latest], len(history), len(older))
print(SecurityEvent.objects.filter(type="coupon.refused").count())
"""


@pytest.fixture
def project(tmp_path):
    """A new project with the page's files, on a database of its own."""
    base = os.environ["DATABASE_URL"]
    database = f"guide_{secrets.token_hex(6)}"
    name = sql.Identifier(database)
    with psycopg.connect(_libpq(base), autocommit=True) as connection:
        connection.execute(sql.SQL("CREATE DATABASE {}").format(name))
        try:
            yield Project(tmp_path, urlunsplit(urlsplit(base)._replace(path=f"/{database}")))
        finally:
            connection.execute(sql.SQL("DROP DATABASE {} WITH (FORCE)").format(name))


def _libpq(url):
    return urlunsplit(urlsplit(url)._replace(scheme="postgresql"))


class Project:
    def __init__(self, folder, database_url):
        self.folder, self.database_url = folder, database_url
        self.run("-m", "django", "startproject", "project", ".")
        self.append("project/settings.py", DATABASES)
        for block in BLOCKS:
            if block["path"]:
                self.append(block["path"], block["text"])

    def append(self, name, text):
        path = self.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("a", encoding="utf-8") as file:
            file.write("\n" + text)

    def run(self, *arguments):
        environment = {name: value for name, value in os.environ.items() if not name.startswith(("PYTEST_", "DJANGO_"))}
        environment |= {"DATABASE_URL": self.database_url, "PYTHONPATH": str(ROOT)}
        done = subprocess.run(
            [sys.executable, "-W", "error", *arguments],
            cwd=self.folder,
            env=environment,
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    def shell(self, *texts):
        path = self.folder / "lines.py"
        path.write_text("\n".join(["import django", "django.setup()", *texts]), encoding="utf-8")
        return self.run("-c", "import os; os.environ['DJANGO_SETTINGS_MODULE'] = 'project.settings'; import lines")


def test_every_block_is_of_a_kind_that_is_run():
    assert {block["language"] for block in BLOCKS} == {"python", "console", "sql"}
    assert len(BLOCKS) == PAGE.count("\n```") // 2


def test_the_project_of_the_page_works(project):
    commands = [line[2:] for block in BLOCKS if block["language"] == "console" for line in block["text"].splitlines()]
    assert commands == ["python manage.py migrate security_events", "python manage.py record_counts"]
    lines = [block["text"] for block in BLOCKS if block["language"] == "python" and not block["path"]]

    project.run("manage.py", "check", "--fail-level", "WARNING")
    project.run(*commands[0].split()[1:])
    printed = project.shell(CALLS, *lines, RESULTS).splitlines()
    logged = [line for line in printed if "security_event " in line]
    assert ["type=order.refunded" in line for line in logged] == [True, False, True]
    shown = [line for line in printed if line not in logged]
    assert shown == ["a***@example.com", "203.0.113.7", "[True, False]", "['A-17', 'A-17'] 2 0", "1"]
    assert project.run(*commands[1].split()[1:]).strip().endswith("recorded")

    with psycopg.connect(_libpq(project.database_url)) as connection:
        for block in BLOCKS:
            if block["language"] == "sql":
                connection.execute(block["text"])
