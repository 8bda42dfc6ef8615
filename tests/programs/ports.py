"""Ports for servers that listen a moment after their port was chosen, or again after an outage."""

import random
import socket

# Below those that the kernel gives to outgoing connections (Linux: from 32768, others: from 49152), or a client of
# another test could take the port in between.
PORTS = range(10_000, 32_000)
_chance = random.SystemRandom()  # not the one that a test may have seeded


def free_port(*, partner=0):
    """Return a port of loopback that is free now, and the port that lies `partner` above it too."""
    for port in _chance.sample(range(PORTS.start, PORTS.stop - partner), 100):
        if _is_free(port) and _is_free(port + partner):
            return port
    raise AssertionError("no port is free")


def _is_free(port):
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
        return True
