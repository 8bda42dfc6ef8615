"""The sockets of one port: who gets which, and when a worker counts as there."""

import select
import socket
import sys

import pytest

from cedrina.serving.processes import listening
from cedrina.serving.processes.listening import FIRST_START_TIMEOUT_SECONDS, HEARTBEAT_TIMEOUT_SECONDS, ListeningSockets

NOW = 1000.0
WORKERS = 3
CONNECTIONS = 60


def opened(host="127.0.0.1", workers=WORKERS):
    return ListeningSockets.listen(host, 0, workers)


def close(sockets):
    for number in range(WORKERS):
        sockets.of(number).close()


@pytest.fixture
def sockets():
    sockets = opened()
    yield sockets
    close(sockets)


class TestSockets:
    def test_of_all_workers_have_one_port(self, sockets):
        assert len({sockets.of(number).getsockname() for number in range(WORKERS)}) == 1
        assert len({sockets.of(number).fileno() for number in range(WORKERS)}) == WORKERS

    def test_each_get_a_part_of_the_connections(self, sockets):
        address = sockets.of(0).getsockname()
        connections = [socket.create_connection(address) for _ in range(CONNECTIONS)]
        each = [sockets.of(number) for number in range(WORKERS)]
        if sys.platform == "linux":
            assert select.select(each, [], [], 0)[0] == [], "connections that have said nothing"
        for connection in connections:
            connection.sendall(b"GET")
        assert select.select(each, [], [], 0)[0] == each
        for connection in connections:
            connection.close()

    def test_of_ipv6_work_the_same(self):
        sockets = opened("::1")
        assert {sockets.of(number).family for number in range(WORKERS)} == {socket.AF_INET6}
        close(sockets)

    @pytest.mark.parametrize("shares", [False, True])
    def test_on_a_port_that_is_taken_are_refused(self, shares):
        with (
            socket.create_server(("127.0.0.1", 0), reuse_port=shares) as taken,
            pytest.raises(OSError, match="Address already in use"),
        ):
            ListeningSockets.listen("127.0.0.1", taken.getsockname()[1], WORKERS)

    def test_are_one_where_the_kernel_does_not_choose(self, monkeypatch):
        monkeypatch.setattr(listening.sys, "platform", "darwin")
        sockets = opened()
        assert len({sockets.of(number).fileno() for number in range(WORKERS)}) == 1
        assert [sockets.others(number) for number in range(WORKERS)] == [[], [], []]
        sockets.record_heartbeat(WORKERS - 1, NOW)
        assert sockets.is_alive(0, NOW)
        close(sockets)


class TestAWorker:
    def test_has_others(self, sockets):
        assert sockets.others(1) == [0, 2]

    def test_is_there_for_a_while_after_each_note(self, sockets):
        sockets.record_heartbeat(1, NOW)
        assert sockets.is_alive(1, NOW + HEARTBEAT_TIMEOUT_SECONDS / 2)
        assert not sockets.is_alive(1, NOW + HEARTBEAT_TIMEOUT_SECONDS)

    def test_is_not_there_once_it_ended(self, sockets):
        sockets.record_heartbeat(1, NOW)
        sockets.record_exit(1)
        assert not sockets.is_alive(1, NOW)
        assert not sockets.is_alive(1, 0.0)
        sockets.record_heartbeat(1, NOW)
        assert sockets.is_alive(1, NOW)

    def test_has_time_for_its_first_start(self, monkeypatch):
        monkeypatch.setattr(listening.time, "monotonic", lambda: NOW)
        sockets = opened()
        assert sockets.is_alive(0, NOW + FIRST_START_TIMEOUT_SECONDS)
        assert not sockets.is_alive(0, NOW + FIRST_START_TIMEOUT_SECONDS + HEARTBEAT_TIMEOUT_SECONDS)
        close(sockets)
