"""Sockets that belong to no app."""

import asyncio
import json

from asgiref.sync import sync_to_async
from channels.testing import WebsocketCommunicator
from django.db import connections
from django.test import TransactionTestCase, override_settings

from cedrina.routing import websocket_application
from cedrina.websockets import consumers


class Socket(TransactionTestCase):
    def setUp(self):
        consumers.cached_readiness = consumers.CachedReadiness()

    def converse(self, path, talk, headers=()):
        async def run():
            communicator = WebsocketCommunicator(websocket_application, path, headers=list(headers))
            accepted, _ = await communicator.connect(timeout=60)
            assert accepted
            try:
                return await talk(communicator)
            finally:
                await communicator.disconnect()
                await sync_to_async(connections.close_all)()

        return asyncio.run(run())


class TestHealth(Socket):
    def test_tells_at_once_and_again(self):
        async def talk(socket):
            return [json.loads(await socket.receive_from(timeout=60)) for _ in range(2)]

        every, consumers.INTERVAL_SECONDS = consumers.INTERVAL_SECONDS, 0.05
        try:
            frames = self.converse("/ws/health/", talk)
        finally:
            consumers.INTERVAL_SECONDS = every
        assert frames == [{"type": "health", "status": "ok"}] * 2

    def test_drops_a_client_that_says_too_much(self):
        async def talk(socket):
            await socket.receive_from(timeout=60)
            await socket.send_to(text_data="é" * 9000)
            return await socket.receive_output(timeout=60)

        assert self.converse("/ws/health/", talk)["code"] == 1009

    def test_ignores_a_client_that_says_little(self):
        async def talk(socket):
            await socket.receive_from(timeout=60)
            await socket.send_to(text_data="hello")
            return await socket.receive_nothing(timeout=0.2)

        assert self.converse("/ws/health/", talk)

    def test_refuses_a_foreign_page(self):
        async def talk(socket):
            return await socket.receive_output(timeout=60)

        for origin in (b"https://evil.example", b"https://[", b"null", b"https://a]b"):
            assert self.converse("/ws/health/", talk, [(b"origin", origin)])["code"] == 4403

    @override_settings(CORS_ALLOWED_ORIGINS=["https://app.example"])
    def test_welcomes_its_own_pages(self):
        async def talk(socket):
            return json.loads(await socket.receive_from(timeout=60))["type"]

        for origin in (b"http://localhost:8000", b"https://app.example"):
            assert self.converse("/ws/health/", talk, [(b"origin", origin)]) == "health"


class TestNowhere(Socket):
    def test_accepts_and_closes(self):
        async def talk(socket):
            return await socket.receive_output(timeout=60)

        assert self.converse("/ws/nowhere/", talk)["code"] == 4404
