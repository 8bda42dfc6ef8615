"""The first message of a WebSocket, read without a library: the machine that checks an image may have none."""

import base64
import os
import socket


def first_message(port: int, host: str, path: str) -> str:
    """Open a WebSocket on loopback and return the text of the first short frame (RFC 6455, 4.1 and 5.2).

    Raises: OSError if nobody listens, the handshake is refused or the connection is closed.
    """
    key = base64.b64encode(os.urandom(16)).decode()
    lines = [f"GET {path} HTTP/1.1", f"Host: {host}", "Upgrade: websocket", "Connection: Upgrade"]
    lines += [f"Sec-WebSocket-Key: {key}", "Sec-WebSocket-Version: 13", "X-Forwarded-Proto: https", "", ""]
    with socket.create_connection(("127.0.0.1", port), timeout=30) as connection, connection.makefile("rb") as answer:
        connection.sendall("\r\n".join(lines).encode())
        status = answer.readline()
        if b" 101 " not in status:
            raise OSError(f"The handshake was answered by {status!r}.")
        while answer.readline() not in (b"\r\n", b""):
            pass
        kind, length = answer.read(2) or (0, 0)
        if kind != 0x81 or length >= 126:
            raise OSError(f"The first frame is no short text: {kind:#x}, {length}.")
        return answer.read(length).decode()
