"""Who may open a socket, by what, and for how long."""

import asyncio
import json
import time
from contextlib import suppress

import pytest
import websockets
from redis import Redis

from security_events.live.hint_layer import GROUP
from tests.clients.socket_clients import close_code, connect, numbered, received_until
from tests.programs import served
from tests.programs.busy import Lateness

pytestmark = pytest.mark.process
ACCOUNT, EVENTS, INCIDENTS = "/ws/account/", "/ws/security-events/", "/ws/incidents/"


def ticket_of(person):
    answer = person.send("POST", "/auth/ws-ticket")
    assert answer.status_code == 200
    return answer.json()["ticket"]


def code_of(server, path, **options):
    async def talk():
        async with connect(server, path, **options) as socket:
            return await close_code(socket)

    return asyncio.run(talk())


class TestTickets:
    def test_open_one_socket_and_the_server_chooses_the_subprotocol(self, sockets, person):
        ticket = ticket_of(person)

        async def talk():
            async with connect(sockets, ACCOUNT, ticket=ticket) as socket:
                chosen = socket.subprotocol
                person.sign_in()
                return chosen, (await received_until(socket, lambda frame: frame["type"] == "session.created"))[-1]

        chosen, frame = asyncio.run(talk())
        assert chosen == "cedrina.v1"
        assert frame["type"] == "session.created"
        assert code_of(sockets, ACCOUNT, ticket=ticket) == 4401

    def test_of_an_ended_session_are_worth_nothing(self, sockets, person):
        ticket = ticket_of(person)
        assert person.send("POST", "/auth/logout", {}).status_code == 204
        assert code_of(sockets, ACCOUNT, ticket=ticket) == 4408

    def test_are_not_used_up_by_a_foreign_page(self, sockets, person):
        ticket = ticket_of(person)
        assert code_of(sockets, ACCOUNT, ticket=ticket, origin="https://evil.example") == 4403
        person.send("POST", "/auth/logout", {})
        assert code_of(sockets, ACCOUNT, ticket=ticket) == 4408


class TestTokens:
    @pytest.mark.parametrize("path", [ACCOUNT, EVENTS, INCIDENTS])
    def test_must_be_there(self, sockets, path):
        assert code_of(sockets, path) == 4401
        assert code_of(sockets, path, token="eyJhbGciOiJub25lIn0.e30.") == 4401
        assert code_of(sockets, path, headers={"Authorization": "Basic a2VlcGVyOnB3"}) == 4401

    def test_stand_in_one_place(self, sockets, person):
        token = person.tokens["access_token"]
        assert code_of(sockets, ACCOUNT, token=token, ticket=ticket_of(person)) == 4401
        assert code_of(sockets, f"{ACCOUNT}?access_token={token}") == 4401

    def test_of_people_without_the_permission_open_no_feed_of_operators(self, sockets, person):
        assert code_of(sockets, EVENTS, token=person.tokens["access_token"]) == 4403
        assert code_of(sockets, INCIDENTS, token=person.tokens["access_token"]) == 4403


class TestServiceClients:
    def test_read_what_their_scopes_name(self, sockets, one_port, operator, writer):
        body = {"name": f"siem{sockets.port}", "description": "", "scopes": ["events:read"], "reason": "export"}
        made = operator.send("POST", "/admin/service-clients", body).json()
        form = {"grant_type": "client_credentials", "client_id": made["id"], "client_secret": made["client_secret"]}
        token = operator.client.post(f"{one_port.url}/oauth/token", data=form).json()["access_token"]

        async def talk():
            async with connect(sockets, EVENTS, token=token) as socket:
                writer.write(1)
                first = await numbered(socket)
                change = {"is_enabled": False, "reason": "over"}
                disabled = operator.send(
                    "PATCH", f"/admin/service-clients/{made['id']}", change, headers={"If-Match": "*"}
                )
                return first, disabled.status_code, await close_code(socket)

        assert code_of(sockets, INCIDENTS, token=token) == 4403
        assert code_of(sockets, ACCOUNT, token=token) == 4403
        first, status, code = asyncio.run(talk())
        assert first["type"] == "event"
        assert status == 200
        assert code == 4408


class TestTheNumberOfSockets:
    def test_of_one_person_is_bounded(self, sockets, person):
        token = person.tokens["access_token"]

        async def talk():
            opened = [await connect(sockets, ACCOUNT, token=token) for _ in range(10)]
            async with connect(sockets, ACCOUNT, token=token) as one_more:
                refused = await close_code(one_more)
            await opened.pop().close()
            deadline = time.monotonic() + 120
            while True:  # the server hears of an end a moment later
                again = await connect(sockets, ACCOUNT, token=token)
                try:
                    with suppress(TimeoutError):
                        await asyncio.wait_for(again.recv(), 0.3)
                    break
                except websockets.ConnectionClosed:
                    await again.wait_closed()
                    assert time.monotonic() < deadline, again.close_code
                    await asyncio.sleep(0.1)
            for socket in [*opened, again]:
                await socket.close()
            return refused

        assert asyncio.run(talk()) == 4429

    def test_is_counted_over_all_processes(self, one_port, daphne, person):
        token = person.tokens["access_token"]

        async def talk():
            opened = [await connect(server, ACCOUNT, token=token) for server in (one_port, daphne) * 5]
            refused = []
            for server in (one_port, daphne):
                async with connect(server, ACCOUNT, token=token) as one_more:
                    refused.append(await close_code(one_more))
            for socket in opened:
                await socket.close()
            return refused

        assert asyncio.run(talk()) == [4429, 4429]


class TestPermissions:
    def test_that_are_withdrawn_close_the_feed(self, sockets, one_port, operator):
        name = f"second{sockets.port}"
        made = one_port.manage("create_admin", "--username", name, "--email", f"{name}@example.com", "--json")
        second = operator.__class__(one_port, name=name)
        second.password = json.loads(made)["password"]
        second.sign_in()

        async def talk():
            async with connect(sockets, EVENTS, token=second.tokens["access_token"]) as socket:
                served.execute(
                    one_port.environment["DATABASE_URL"],
                    f"UPDATE accounts_user SET role_grants = '' WHERE username = '{name}'",
                )
                return await close_code(socket)

        assert asyncio.run(talk()) == 4403
        second.close()


def end_of_a_session(server, person, *, before=lambda: None):
    """Return the code by which a socket is closed when its session ends, and whether that came within a second."""

    async def talk():
        async with connect(server, ACCOUNT, token=person.tokens["access_token"]) as socket:
            await asyncio.to_thread(before)
            with Lateness() as lateness:
                person.send("POST", "/auth/logout", {})
                began = time.monotonic()
                code = await close_code(socket)
                return code, time.monotonic() - began < 1 + lateness.allowance

    return asyncio.run(talk())


class TestTheEndOfASession:
    def test_arrives_within_a_second(self, daphne, person):
        assert end_of_a_session(daphne, person) == (4408, True)

    def test_arrives_within_a_second_while_the_feed_waits_for_hints(self, daphne_with_hints, hints_redis, person):
        """The server where the person logs out sends none, and the feed looks once a second."""

        def demand_hearing():
            with Redis.from_url(hints_redis.url) as client:
                deadline = time.monotonic() + 60
                while not client.pubsub_channels(f"*{GROUP}"):
                    assert time.monotonic() < deadline, "it hears no hints"
                    time.sleep(0.05)

        assert end_of_a_session(daphne_with_hints, person, before=demand_hearing) == (4408, True)
