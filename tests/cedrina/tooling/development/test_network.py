"""The network that the tests of outages use: what it does to a connection, seen from both ends."""

import socket
import threading
import time

import pytest

from tests.peers.network import Network
from tests.programs.ports import free_port


class Echo:
    """Answers with what it was sent, and says when a connection to it ended."""

    def __init__(self):
        self._listening = socket.create_server(("127.0.0.1", 0))
        self.url = f"redis://127.0.0.1:{self._listening.getsockname()[1]}/0"
        self.ended = threading.Event()
        threading.Thread(target=self._serve, daemon=True).start()

    def _serve(self):
        while True:
            try:
                connection, _ = self._listening.accept()
            except OSError:
                return
            threading.Thread(target=self._answer, args=(connection,), daemon=True).start()

    def _answer(self, connection):
        with connection:
            try:
                while received := connection.recv(4096):
                    connection.sendall(received)
            except OSError:
                pass
        self.ended.set()

    def close(self):
        self._listening.close()


@pytest.fixture
def echo():
    server = Echo()
    yield server
    server.close()


@pytest.fixture
def network(echo):
    with Network(echo.url) as network:
        yield network


@pytest.fixture
def connect(network):
    opened = []

    def one():
        connection = socket.create_connection(("127.0.0.1", network.port), timeout=120)
        opened.append(connection)
        return connection

    yield one
    for connection in opened:
        connection.close()


def ask(connection, text=b"hello"):
    connection.sendall(text)
    received = b""
    while len(received) < len(text) and (more := connection.recv(4096)):
        received += more
    return received


def is_silent(connection):
    connection.settimeout(0.3)
    try:
        return ask(connection) == b"never"
    except TimeoutError:
        return True


class TestNetwork:
    def test_passes_everything_on(self, network, connect):
        assert ask(connect()) == b"hello"
        assert network.url.endswith(f"127.0.0.1:{network.port}/0")

    def test_ends_both_ends_when_one_does(self, echo, connect):
        connection = connect()
        ask(connection)
        connection.close()
        assert echo.ended.wait(120)

    def test_that_is_cut_ends_what_is_open_and_refuses_the_rest(self, echo, network, connect):
        connection = connect()
        ask(connection)
        network.cut()
        assert connection.recv(1) == b""
        assert echo.ended.wait(120)
        with pytest.raises(ConnectionRefusedError):
            connect()
        network.heal()
        assert ask(connect()) == b"hello"

    def test_that_resets_resets_old_and_new_connections(self, network, connect):
        connection = connect()
        ask(connection)
        network.reset()
        with pytest.raises(ConnectionResetError):
            connection.recv(1)
        with pytest.raises(ConnectionResetError):
            connect().recv(1)
        network.heal()
        assert ask(connect()) == b"hello"

    def test_that_drops_packets_keeps_connections_open(self, echo, network, connect):
        old = connect()
        ask(old)
        network.swallow()
        assert is_silent(old)
        new = connect()
        assert is_silent(new)
        network.heal()
        assert is_silent(old)
        assert is_silent(new)
        assert ask(connect()) == b"hello"
        assert not echo.ended.is_set()

    def test_that_lost_its_state_lets_new_connections_pass(self, network, connect):
        old = connect()
        ask(old)
        network.forget()
        assert is_silent(old)
        assert ask(connect()) == b"hello"

    def test_that_delays_is_late_in_both_directions(self, network, connect):
        connection = connect()
        network.delay(0.2)
        started = time.monotonic()
        assert ask(connection) == b"hello"
        assert time.monotonic() - started >= 0.4

    def test_that_drips_passes_a_little_at_a_time(self, network, connect):
        network.drip(2)
        started = time.monotonic()
        assert ask(connect(), b"0123456789") == b"0123456789"
        assert time.monotonic() - started >= 0.2

    def test_without_a_server_behind_it_resets(self):
        # The kernel completes the handshake, so connect() itself may see the RST, too.
        with (
            Network(f"redis://127.0.0.1:{free_port()}/0") as network,
            pytest.raises(ConnectionResetError),
            socket.create_connection(("127.0.0.1", network.port), timeout=120) as connection,
        ):
            connection.recv(1)
