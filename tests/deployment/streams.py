"""Read what a server wrote on one connection."""

import re

from tests.problem_shape import Answer


def answers_in(received):
    """Split a stream into (status, head, body) of each answer."""
    found = []
    while received.startswith(b"HTTP/"):
        head, _, rest = received.partition(b"\r\n\r\n")
        length = re.search(rb"(?i)\r\ncontent-length: (\d+)", head)
        if length is None and b"chunked" in head:
            body, _, received = rest.partition(b"0\r\n\r\n")
        else:
            size = int(length[1]) if length else 0
            body, received = rest[:size], rest[size:]
        found.append((int(head.split()[1]), head, body))
    return found


def as_answer(found):
    """Return one of them in the form that the shape of errors is checked in."""
    status, head, body = found
    lines = head.decode("latin-1").split("\r\n")[1:]
    return Answer(status, {line.partition(": ")[0].lower(): line.partition(": ")[2] for line in lines}, body)
