"""Clients that take their time, in front of the shipped nginx: they are cut, and hurt nobody meanwhile."""

import contextlib
import socket
import time
from concurrent.futures import ThreadPoolExecutor

import httpx
import pytest

from tests import fault_figures
from tests.deployment.conftest import HOST
from tests.deployment.streams import answers_in, as_answer
from tests.peers.nginx_server import LOOPBACK
from tests.problem_shape import assert_problem

CUT = 30  # seconds, as nginx.conf and the application have it
LATEST = 60  # the machine may be slow
PAUSE = 1.0
HEAD = f"POST /api/v1/auth/login HTTP/1.1\r\nHost: {HOST}\r\nContent-Type: application/json\r\n".encode()
LARGE = f"GET /static/admin/js/vendor/jquery/jquery.js HTTP/1.1\r\nHost: {HOST}\r\n\r\n".encode()
HELD = 150


def dribble(nginx, start, byte):
    """Send the start and then a byte each second; return after how long the other side ended it, and what it said."""
    began = time.monotonic()
    received = b""
    with socket.create_connection((LOOPBACK, nginx.port)) as connection:
        connection.sendall(start)
        connection.settimeout(PAUSE)
        while time.monotonic() - began < LATEST:
            try:
                more = connection.recv(65536)
            except TimeoutError:
                try:
                    connection.sendall(byte)
                except OSError:
                    break
                continue
            except OSError:
                break
            if not more:
                break
            received += more
    return time.monotonic() - began, received


def read_nothing(nginx):
    """Ask for a hundred large answers, read nothing for a while; return how many came whole."""
    with socket.socket() as connection:
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        connection.connect((LOOPBACK, nginx.port))
        connection.sendall(LARGE * 100)
        time.sleep(CUT + 15)
        connection.settimeout(10)
        received = b""
        with contextlib.suppress(OSError):
            while more := connection.recv(1 << 20):
                received += more
    return received.count(b"HTTP/1.1 200 OK")


@pytest.mark.attack("CWE-400")
class TestSlowClients:
    def test_are_cut(self, stack):
        nginx = stack.nginx
        with ThreadPoolExecutor(5) as pool:
            head = pool.submit(dribble, nginx, b"GET /livez HTTP/1.1\r\nHost: x\r\nX: ", b"a")
            body = pool.submit(dribble, nginx, HEAD + b"Content-Length: 5000\r\n\r\n{", b" ")
            chunks = pool.submit(dribble, nginx, HEAD + b"Transfer-Encoding: chunked\r\n\r\n", b"1\r\n \r\n")
            silent = pool.submit(dribble, nginx, b"", b"")
            reader = pool.submit(read_nothing, nginx)

        for slow in (head, body, chunks, silent):
            seconds, received = slow.result()
            assert CUT - 2 < seconds < LATEST
            assert b" 200 " not in received
        for slow in (body, chunks):
            [found] = answers_in(slow.result()[1])
            assert_problem(as_answer(found), status=408, code="request_timeout")
        assert reader.result() < 100

    def test_have_200_requests_in_progress_and_no_more(self, stack):
        with contextlib.ExitStack() as held:
            for _ in range(200):
                source = ("127.0.0.51", 0)
                connection = held.enter_context(
                    socket.create_connection((LOOPBACK, stack.nginx.port), source_address=source)
                )
                connection.sendall(HEAD + b"Content-Length: 50\r\n\r\n{")
            asked = f"GET /livez HTTP/1.1\r\nHost: {HOST}\r\nConnection: close\r\n\r\n".encode()
            # The last of them may not be read yet.
            deadline = time.monotonic() + 120
            while b" 200 " in (received := stack.nginx.converse(asked, source="127.0.0.51")):
                assert time.monotonic() < deadline
            [found] = answers_in(received)
            assert_problem(as_answer(found), status=429, code="rate_limited")
            assert b" 200 " in stack.nginx.converse(asked, source="127.0.0.52")

    @pytest.mark.fault
    @pytest.mark.parametrize(
        "start",
        [b"GET /livez HTTP/1.1\r\n", HEAD + b"Content-Length: 50\r\n\r\n{", LARGE * 20],
        ids=["heads", "bodies", "readers"],
    )
    def test_hurt_nobody(self, stack, start):
        with contextlib.ExitStack() as held:
            for number in range(HELD):
                connection = held.enter_context(
                    socket.create_connection((LOOPBACK, stack.nginx.port), source_address=(f"127.0.2.{number % 5}", 0))
                )
                connection.sendall(start)
            began = time.monotonic()
            answer = httpx.post(
                f"{stack.nginx.url}/api/v1/auth/login",
                json={"username": "nobody", "password": "x"},
                headers={"Host": HOST},
                timeout=60,
            )
            seconds = time.monotonic() - began
            fault_figures.keep(f"{HELD} slow clients at once", "an honest call", seconds, goal=2)
            assert answer.status_code in (401, 429)
