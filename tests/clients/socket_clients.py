"""Clients of sockets for tests: what they receive, and the code by which they are closed."""

import asyncio
import json

import websockets

from tests.event_writer import number_of

BEARER = "Bearer {}"
TIMEOUT = 60


def connect(server, path, *, token="", ticket="", **options):
    """Open a socket of a served process, by a token or by a ticket."""
    headers = {"Authorization": BEARER.format(token)} if token else {}
    protocols = ["cedrina.v1", f"cedrina.ticket.{ticket}"] if ticket else None
    return websockets.connect(
        f"{server.url.replace('http', 'ws', 1)}{path}",
        additional_headers={**headers, **options.pop("headers", {})},
        subprotocols=protocols,
        **options,
    )


async def received(socket):
    """Return the next frame as an object."""
    return json.loads(await asyncio.wait_for(socket.recv(), TIMEOUT))


async def received_until(socket, found):
    """Return the frames up to the first one for which ``found`` is true, it included."""
    frames = []
    while not frames or not found(frames[-1]):
        frames.append(await received(socket))
    return frames


async def numbered(socket):
    """Return the next frame with an event of ``event_writer``: servers record some of their own, a minute later too."""
    return (await received_until(socket, lambda frame: number_of(frame) is not None))[-1]


async def close_code(socket):
    """Return the code by which the server closes the socket, whatever comes before."""
    try:
        while True:
            await asyncio.wait_for(socket.recv(), TIMEOUT)
    except websockets.ConnectionClosed:
        return socket.close_code


async def ask(socket, **frame):
    """Send one frame."""
    await socket.send(json.dumps(frame))
