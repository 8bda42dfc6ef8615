"""Sockets of the admin's pages: a ticket stands for a session of the admin, and the socket ends with it."""

import asyncio
import itertools
import re
import time

import pytest

from tests.clients.socket_clients import close_code, connect, received_until
from tests.journeys.person import Person
from tests.journeys.test_admin_sessions import FORM_TOKEN, PUBLIC, Browser
from tests.programs import served
from tests.programs.busy import Lateness

pytestmark = [pytest.mark.process, pytest.mark.attack("OWASP ASVS 5.0, 7.4.1, 7.4.3")]
EVENTS, INCIDENTS, ACCOUNT = "/ws/security-events/", "/ws/incidents/", "/ws/account/"
CONSOLE = "/admin/console/"
_number = itertools.count(1)


@pytest.fixture
def admin(one_port):
    """A member of the staff in a browser and at the API."""
    person = Person(one_port, name=f"adminsocket{next(_number)}")
    person.browser = Browser(one_port)
    try:
        assert person.register().status_code == 201
        change(one_port, person, "is_staff = true, is_superuser = true")
        served.make_administrator(one_port.environment["DATABASE_URL"], person.name)
        person.browser.sign_in(person.name)  # which an address may do ten times a minute: so there are few tests
        yield person
    finally:
        person.browser.client.close()
        person.close()


def change(server, person, members):
    url = server.environment["DATABASE_URL"]
    served.execute(url, f"UPDATE accounts_user SET {members} WHERE username = '{person.name}'")


def post(admin, path):
    """Send a form as the console's page does."""
    page = admin.browser.client.get(f"{admin.browser.base}{CONSOLE}")
    token = re.search(FORM_TOKEN, page.text).group(1)
    headers = {"X-CSRFToken": token, "Origin": PUBLIC, "Accept": "application/json"}
    return admin.browser.client.post(f"{admin.browser.base}{path}", headers=headers)


def sign_out(admin):
    assert post(admin, "/admin/logout/").status_code in (200, 302)


def ticket_of(admin):
    answer = post(admin, f"{CONSOLE}ticket")
    assert answer.status_code == 200, answer.text
    return answer.json()["ticket"]


def code_after(server, path, admin, act):
    """Open a socket, do something, and return the code by which it is closed, and how late that was."""
    ticket = ticket_of(admin)

    async def talk():
        async with connect(server, path, ticket=ticket) as socket:
            with Lateness() as lateness:
                await asyncio.to_thread(act)
                began = time.monotonic()
                code = await close_code(socket)
                return code, time.monotonic() - began - lateness.allowance

    return asyncio.run(talk())


class TestTicket:
    def test_opens_the_feeds_of_operators_once(self, sockets, admin, writer):
        ticket = ticket_of(admin)

        async def talk():
            async with connect(sockets, EVENTS, ticket=ticket) as socket:
                (event_id,) = writer.write(1)
                await received_until(socket, lambda frame: frame.get("event", {}).get("id") == event_id)
            async with connect(sockets, EVENTS, ticket=ticket) as again:
                return await close_code(again)

        assert asyncio.run(talk()) == 4401

    def test_is_worth_nothing_once_its_session_has_ended(self, daphne, admin):
        ticket = ticket_of(admin)
        sign_out(admin)

        async def talk():
            async with connect(daphne, INCIDENTS, ticket=ticket) as socket:
                return await close_code(socket)

        assert asyncio.run(talk()) == 4408


class TestSocket:
    @pytest.mark.parametrize(
        ("path", "way"),
        [
            (ACCOUNT, "signs out"),
            (EVENTS, "is ended elsewhere"),
            (EVENTS, "changes the password"),
            (EVENTS, "is locked"),
        ],
    )
    def test_is_closed_within_a_second_when_the_person(self, daphne, one_port, admin, path, way):
        acts = {
            "signs out": lambda: sign_out(admin),
            "is ended elsewhere": lambda: admin.send("DELETE", "/auth/sessions"),
            "changes the password": lambda: admin.send(
                "PUT",
                "/auth/change-password",
                {"old_password": admin.password, "new_password": "nine quiet green lamps"},
            ),
            "is locked": lambda: change(one_port, admin, "is_active = false"),
        }
        code, late = code_after(daphne, path, admin, acts[way])
        assert code == 4408
        assert late < 1

    @pytest.mark.parametrize("members", ["role_grants = ''", "role_grants = 'users:read'"])
    def test_is_closed_when_the_rights_are_withdrawn(self, daphne, one_port, admin, members):
        code, _late = code_after(daphne, EVENTS, admin, lambda: change(one_port, admin, members))
        assert code == 4403
