"""More idle connections than a process may open files at first, and than select(2) can watch, keep nobody waiting."""

import resource
import socket
from contextlib import ExitStack, contextmanager

from tests.programs import served

IDLE = 1_200
AT_FIRST = 1_024
REQUEST = b"GET /livez HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n"


@contextmanager
def descriptor_limit(number):
    """Let this process and those that it starts open so many files."""
    before = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (number, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, before)


def idle_connection(stack, port, *, is_silent):
    """Open a connection on which a request was answered, or nothing was ever sent."""
    connection = stack.enter_context(socket.create_connection(("127.0.0.1", port), timeout=60))
    if not is_silent:
        connection.sendall(REQUEST)
        assert connection.recv(4096).startswith(b"HTTP/1.1 200")


def test_a_worker_answers_beside_idle_connections(database_url, newcomer):
    with ExitStack() as stack:
        with descriptor_limit(AT_FIRST):
            server = stack.enter_context(
                served.serving(database_url=database_url, flags=("--http",), WEB_CONCURRENCY="1")
            )
        stack.enter_context(descriptor_limit(resource.getrlimit(resource.RLIMIT_NOFILE)[1]))
        for number in range(IDLE):
            idle_connection(stack, server.port, is_silent=number % 2 == 0)
        person = newcomer(server)
        assert person.register().status_code == 201
        assert person.sign_in().status_code == 200
        assert person.refresh().status_code == 200
        assert person.me().status_code == 200
