"""What a line makes of what comes over it; the peer is a socket that says what a test wants."""

import socket
import threading
import time

import pytest
import redis

from ratelimiting.stores.protocol import StoreUnavailable
from ratelimiting.stores.redis import RedisStore
from ratelimiting.stores.redis_connections import RedisConnectionPool
from ratelimiting.types import Algorithm, Level, Quota


class Peer:
    """Answers each command with the given pieces, sent one after the other, and then hangs up."""

    def __init__(self, *pieces):
        self.pieces = pieces
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.url = f"redis://127.0.0.1:{self.listener.getsockname()[1]}/0"
        self.received = b""
        self.thread = threading.Thread(target=self.serve)
        self.thread.start()

    def serve(self):
        connection, _ = self.listener.accept()
        with connection:
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            self.received = connection.recv(65536)
            for piece in self.pieces:
                connection.sendall(piece)
                time.sleep(0.02)

    def close(self):
        self.thread.join()
        self.listener.close()


@pytest.fixture
def peer():
    started = []

    def start(*pieces):
        started.append(Peer(*pieces))
        return started[-1]

    yield start
    for one in started:
        one.close()


def asked(peer):
    return RedisConnectionPool(peer.url, deadline=30)


class TestExecute:
    def test_packs_a_command_and_gives_the_answer_undecoded(self, peer):
        other = peer(b"$2\r\n\xff\xfe\r\n")
        assert asked(other).execute("EVALSHA", "d", 1, b"\x00", 2) == b"\xff\xfe"
        assert other.received == b"*5\r\n$7\r\nEVALSHA\r\n$1\r\nd\r\n$1\r\n1\r\n$1\r\n\x00\r\n$1\r\n2\r\n"

    def test_puts_an_answer_together(self, peer):
        assert asked(peer(b"$1", b"0\r\n01234", b"56789\r", b"\n")).execute("PING") == b"0123456789"
        assert asked(peer(b"$9000\r\n" + b"x" * 9000 + b"\r\n")).execute("PING") == b"x" * 9000

    def test_raises_a_refusal_and_keeps_the_connection(self, peer):
        connections = asked(peer(b"-ERR no\r\n"))
        with pytest.raises(redis.ResponseError, match="no") as refusal:
            connections.execute("PING")
        assert refusal.value.status_code == "ERR"
        assert len(connections._idle) == 1

    def test_tells_where_a_slot_went(self, peer):
        with pytest.raises(redis.exceptions.MovedError) as moved:
            asked(peer(b"-MOVED 5 10.0.0.7:7001\r\n")).execute("PING")
        assert (moved.value.host, moved.value.port) == ("10.0.0.7", 7001)

    @pytest.mark.parametrize("pieces", [[], [b"$10\r\n0123"], [b"what is this"]])
    def test_drops_a_connection_that_is_of_no_more_use(self, peer, pieces):
        connections = asked(peer(*pieces))
        with pytest.raises((redis.RedisError, OSError)):
            connections.execute("PING")
        assert not connections._idle

    def test_waits_no_longer_than_the_deadline(self):
        with socket.create_server(("127.0.0.1", 0)) as silent:
            url = f"redis://127.0.0.1:{silent.getsockname()[1]}/0"
            with pytest.raises((redis.TimeoutError, OSError), match=r"(?i)time(d )?out"):
                RedisConnectionPool(url, deadline=0.05).execute("PING")


class TestTheStore:
    @pytest.mark.parametrize("answer", [b":1\r\n", b"$3\r\nabc\r\n", b"what is this"])
    def test_makes_one_kind_of_error_of_a_server_that_is_no_redis(self, peer, answer):
        with pytest.raises(StoreUnavailable):
            RedisStore(peer(answer).url, deadline=30).decide([Level("p", Quota(Algorithm.FIXED_WINDOW, 1, 1.0), "k")])
