"""Real servers on loopback: what only they can get wrong."""

import asyncio
import json
import socket
import time

import httpx
import pytest
import websockets

from tests.programs import served
from tests.programs.busy import Lateness

pytestmark = pytest.mark.process
HEAD = b"POST /api/v1/auth/login HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\n"


@pytest.fixture(scope="module")
def database():
    with served.database() as url:
        yield url


@pytest.fixture(scope="module", params=[(), ("--http",)], ids=["one port", "http"])
def server(database, request):
    with served.serving(database_url=database, flags=request.param, is_forked=False) as running:
        yield running


def converse(server, *parts, gap=0.0):
    """Send the parts, return what came back and after how long."""
    started = time.monotonic()
    with socket.create_connection(("127.0.0.1", server.port)) as connection:
        connection.settimeout(60)
        for part in parts:
            connection.sendall(part)
            time.sleep(gap)
        received = b""
        try:
            while b"\r\n\r\n" not in received or b"}" not in received:
                more = connection.recv(65536)
                if not more:
                    break
                received += more
        except ConnectionResetError:
            pass
    return received, time.monotonic() - started


class TestOversize:
    def test_is_refused_before_the_body_comes(self, server):
        with Lateness() as lateness:
            answer, seconds = converse(server, HEAD + b"Content-Length: 20000000\r\n\r\n")
        assert b" 413 " in answer.split(b"\r\n")[0]
        assert seconds < 2 + lateness.allowance

    def test_is_refused_in_the_middle_of_a_stream(self, server):
        piece = b"4e20\r\n" + b"x" * 20_000 + b"\r\n"
        with Lateness() as lateness:
            answer, seconds = converse(server, HEAD + b"Transfer-Encoding: chunked\r\n\r\n", *[piece] * 4)
        assert b" 413 " in answer.split(b"\r\n")[0]
        assert b'"code":"payload_too_large"' in answer
        assert seconds < 2 + lateness.allowance

    def test_is_understood_by_a_client_that_sends_it_all(self, server):
        answer = httpx.post(f"{server.url}/api/v1/auth/login", content=b"x" * 20_000_000, timeout=60)
        assert answer.status_code == 413


class TestChunks:
    def test_arrive_as_one_body(self, server):
        answer, _ = converse(
            server, HEAD + b"Transfer-Encoding: chunked\r\n\r\n", b"1\r\n{\r\n", b"1\r\n}\r\n0\r\n\r\n", gap=0.1
        )
        assert b" 422 " in answer.split(b"\r\n")[0]


class TestSlowClients:
    def test_hurt_nobody(self, server):
        held = []
        try:
            for _ in range(150):
                connection = socket.create_connection(("127.0.0.1", server.port))
                connection.sendall(HEAD + b"Content-Length: 50\r\n\r\n{")
                held.append(connection)
            body = {"username": "nobody", "password": "x"}
            with Lateness() as lateness:
                started = time.monotonic()
                answer = httpx.post(f"{server.url}/api/v1/auth/login", json=body, timeout=60)
                seconds = time.monotonic() - started
            assert answer.status_code == 401
            assert seconds < 2 + lateness.allowance
        finally:
            for connection in held:
                connection.close()


class TestHeaders:
    def test_with_underscores_are_not_taken_for_others(self, database):
        with served.serving(database_url=database, flags=("--http",), TRUSTED_PROXIES="127.0.0.0/8") as running:
            answer = httpx.get(f"{running.url}/livez", headers={"X_Correlation_ID": "forged-one"}, timeout=60)
            assert answer.headers["X-Correlation-ID"] != "forged-one"

    def test_answer_head_without_a_body(self, server):
        answer = httpx.head(f"{server.url}/livez", timeout=60)
        assert (answer.status_code, answer.content) == (200, b"")

    def test_serve_the_files_of_the_admin(self, server):
        answer = httpx.get(f"{server.url}/static/admin/css/base.css", timeout=60)
        assert answer.status_code == 200
        assert answer.headers["Content-Type"].startswith("text/css")


class TestSockets:
    @pytest.mark.parametrize("flags", [(), ("--sockets",)], ids=["one port", "sockets"])
    def test_speak_and_refuse_what_is_too_large(self, database, flags):
        async def talk(url):
            async with websockets.connect(f"{url}/ws/health/", max_size=None) as connection:
                frame = json.loads(await connection.recv())
                await connection.send("x" * 20_000)
                with pytest.raises(websockets.ConnectionClosed):
                    await asyncio.wait_for(connection.recv(), 60)
                code = connection.close_code
            async with websockets.connect(f"{url}/ws/nowhere") as nowhere:
                with pytest.raises(websockets.ConnectionClosed):
                    await asyncio.wait_for(nowhere.recv(), 60)
                return frame, code, nowhere.close_code

        with served.serving(database_url=database, flags=flags) as running:
            frame, too_large, nowhere = asyncio.run(talk(running.url.replace("http", "ws")))
        assert frame == {"type": "health", "status": "ok"}
        assert (too_large, nowhere) == (1009, 4404)
