"""One address, or one network of IPv6, can't keep all the sockets of a server to itself."""

import asyncio
from contextlib import AsyncExitStack

import pytest
import websockets

from ratelimiting.asgi import OpenWebSockets
from tests.programs import served

pytestmark = pytest.mark.attack("CWE-770, RFC 6455, 10")
LIMIT = 3


@pytest.fixture
def limit(settings):
    settings.RATELIMITING = {**settings.RATELIMITING, "SOCKETS_PER_ADDRESS": LIMIT}


@pytest.mark.usefixtures("limit")
class TestOpenSockets:
    def test_are_counted_by_address(self):
        sockets = OpenWebSockets()
        assert [sockets.enter(["203.0.113.7"]) for _ in range(5)] == [True] * 3 + [False] * 2
        assert sockets.enter(["203.0.113.8"])
        sockets.leave(["203.0.113.7"])
        assert sockets.enter(["203.0.113.7"])

    def test_are_counted_by_each_network_of_ipv6(self):
        sockets = OpenWebSockets()
        opened = [
            sockets.enter([f"{number}/64", f"{number // 8}/56", "/48"])
            for number in range(100)
            for _ in range(LIMIT + 1)
        ]
        assert sum(opened) == 16 * LIMIT
        assert max(sockets.counts[f"{number}/56"] for number in range(100)) == 4 * LIMIT

    def test_that_were_refused_are_counted_nowhere(self):
        sockets = OpenWebSockets()
        for _ in range(LIMIT):
            sockets.enter(["a/64", "b/56", "c/48"])
        assert not sockets.enter(["a/64", "b/56", "c/48"])
        assert sockets.counts == {"a/64": LIMIT, "b/56": LIMIT, "c/48": LIMIT}

    def test_leave_nothing_behind(self):
        sockets = OpenWebSockets()
        for number in range(1000):
            assert sockets.enter([f"{number}"])
            sockets.leave([f"{number}"])
        assert not sockets.counts


@pytest.mark.process
@pytest.mark.parametrize("flags", [(), ("--sockets",)], ids=["one port", "sockets"])
def test_are_closed_over_the_wire(flags):
    """Behind a proxy on loopback; each client is who it says there."""

    async def opened(stack, url, address):
        """Open a socket and return the code that it was closed with, None while it stays open."""
        connection = await stack.enter_async_context(
            websockets.connect(f"{url}/ws/health/", additional_headers={"X-Forwarded-For": address})
        )
        try:
            await asyncio.wait_for(connection.recv(), 10)
        except websockets.ConnectionClosed:
            return connection.close_code
        return None

    async def attack(url):
        async with AsyncExitStack() as stack:
            one = [await opened(stack, url, "203.0.113.7") for _ in range(LIMIT + 2)]
            household = [await opened(stack, url, f"2001:db8:0:{number:x}::1") for number in range(16)]
            honest = [await opened(stack, url, address) for address in ("203.0.113.8", "2001:db8:0:100::1")]
        deadline = asyncio.get_running_loop().time() + 20
        while True:  # a server hears of an end a moment later
            async with AsyncExitStack() as stack:
                again = await opened(stack, url, "203.0.113.7")
            if again is None or asyncio.get_running_loop().time() > deadline:
                return one, household, honest, again
            await asyncio.sleep(0.1)

    with (
        served.database() as database,
        served.serving(
            database_url=database, flags=flags, TRUSTED_PROXIES="127.0.0.0/8", SOCKETS_PER_ADDRESS=str(LIMIT)
        ) as server,
    ):
        one, household, honest, again = asyncio.run(attack(server.url.replace("http", "ws")))
    assert one == [None] * LIMIT + [4429] * 2
    assert household == [None] * (4 * LIMIT) + [4429] * (16 - 4 * LIMIT)
    assert honest == [None, None]
    assert again is None
