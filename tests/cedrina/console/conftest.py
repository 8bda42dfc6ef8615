"""A served site with a worker, where a credential stuffing attack has just been played, and an operator in Chromium."""

import json
import time
from contextlib import contextmanager

import psycopg
import pytest

from cedrina.tooling import demo, demo_attack
from tests.clients.browser import chromium_browser
from tests.peers.mail_server import worker
from tests.programs import served

OPERATOR = "operator"


class ConsoleSite:
    """A server, its database and the password of its operator."""

    def __init__(self, server, password):
        self.server, self.url, self.password = server, server.url, password
        self.database_url = server.environment["DATABASE_URL"]

    def rows(self, statement, parameters=None):
        with psycopg.connect(self.database_url, autocommit=True) as connection:
            return connection.execute(statement, parameters).fetchall()

    def wait_for_row(self, statement, *, seconds=60):
        """Return the first row of a query, once there is one."""
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            if found := self.rows(statement):
                return found[0]
            time.sleep(0.05)
        raise AssertionError(statement)


@pytest.fixture(scope="module")
def site():
    with (
        served.database() as url,
        served.serving(database_url=url, TRUSTED_PROXIES="127.0.0.1/32") as server,
        worker(server),
    ):
        made = server.manage("create_admin", "--username", OPERATOR, "--email", "o@example.com", "--json")
        found = ConsoleSite(server, json.loads(made)["password"])
        found.wait_for_row("SELECT 1 FROM security_events_detectionposition")
        demo_attack.stuff(demo.Server(server.url), pause=0)
        found.wait_for_row("SELECT 1 FROM security_events_incident WHERE rule = 'credential_stuffing'")
        yield found


@pytest.fixture(scope="module")
def chromium():
    with chromium_browser() as browser:
        yield browser


@pytest.fixture(scope="module")
def signed_in(site, chromium):
    """What Chromium has stored after the sign-in at the admin."""
    context = chromium.new_context()
    page = context.new_page()
    page.goto(f"{site.url}/admin/")
    page.fill("#id_username", OPERATOR)
    page.fill("#id_password", site.password)
    page.click("#login-form [type=submit]")
    page.wait_for_selector("#logout-form")
    state = context.storage_state()
    context.close()
    return state


@pytest.fixture
def console(site, chromium, signed_in):
    """Open the console, as `console(theme=..., language=..., width=..., at="#...")`; give pages whose faults count."""
    opened = []

    @contextmanager
    def opening(*, theme="light", language="en", width=1280, at="", **options):
        # Changes need a recent proof, and on a busy machine the sign-in may be minutes ago.
        site.rows("UPDATE tokens_session SET authenticated_at = now() WHERE kind = 'admin' RETURNING id")
        context = chromium.new_context(
            color_scheme=theme,
            locale=language,
            viewport={"width": width, "height": 900},
            reduced_motion="reduce",
            storage_state=signed_in,
            **options,
        )
        page = context.new_page()
        page.faults = []
        page.on("pageerror", lambda error: page.faults.append(str(error)))
        page.on("console", lambda line: page.faults.append(line.text) if line.type == "error" else None)
        opened.append(page)
        page.goto(f"{site.url}/admin/console/{at}")
        try:
            yield page
        finally:
            context.close()

    yield opening
    assert [page.faults for page in opened] == [[] for _ in opened]
