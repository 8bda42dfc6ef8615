"""Whether an address can be listened on, and the sentence when it can't."""

import os
import socket
import sys
from typing import NoReturn

LAST_PORT = 65535


def demand_free_address(host: str, port: int) -> None:
    """Listen on the address for a moment.

    Raises: OSError when it can't be used, or another process listens there; OverflowError for what is no port.
    """
    if not 0 <= port <= LAST_PORT:
        raise OverflowError(f"ports are 0 to {LAST_PORT}")
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    socket.create_server((host, port), family=family).close()


def refuse_address(host: str, port: int, error: OSError) -> NoReturn:
    """End the process with a sentence.

    Raises: SystemExit.
    """
    reason = os.strerror(error.errno) if error.errno and error.errno > 0 else error.strerror
    sys.exit(f"Cannot listen on {host}, port {port}: {reason}. Set another HOST or PORT, or end what uses this one.")
