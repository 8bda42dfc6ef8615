"""`make demo ATTACK=stuffing`: an attack that one can watch in the console at `/admin/console/`.

CEDRINA_URL names the server that is attacked; it must be on this machine. Without it a server and a worker are started
beside a throw-away database, with an administrator whose password is printed, and they run until Ctrl-C.
"""

import ipaddress
import json
import os
import secrets
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from typing import Any
from urllib.parse import urlsplit

from cedrina.tooling import demo
from cedrina.tooling.demo import say
from cedrina.tooling.embedded import processes

ATTACKS = ("stuffing",)
# One program tries passwords of other sites: each name once or twice, from a few addresses of one network.
NAMES = 40
TRIES = 60
SECONDS_BETWEEN_TRIES = 0.15
PEOPLE = 3
_ADDRESSES = 8
NETWORK = "198.51.100."  # RFC 5737: for documents
_OFFICE = "203.0.113.7"
_PROGRAM = "python-requests/2.32"


class NotLoopback(Exception):
    """The server is on another machine, where nobody may be attacked."""


def require_loopback(url: str) -> None:
    """Refuse a server that is not on this machine.

    Raises: NotLoopback.
    """
    host = urlsplit(url).hostname or ""
    try:
        found = {info[4][0] for info in socket.getaddrinfo(host, None)}
    except OSError:
        found = set()
    if not found or not all(ipaddress.ip_address(str(address).partition("%")[0]).is_loopback for address in found):
        raise NotLoopback(f"{host or url} is not this machine. An attack is only played against a server on loopback.")


def stuff(server: demo.Server, *, pause: float = SECONDS_BETWEEN_TRIES) -> Mapping[int, int]:
    """Play the attack: honest people sign in, then ``TRIES`` stolen passwords are tried, and one of them is right.

    Return how many tries were answered with which status.
    """
    mark = secrets.token_hex(3)
    say(f"\n1. {PEOPLE} people work as usual", "title")
    passwords = {f"{mark}-person{number}": secrets.token_urlsafe(18) for number in range(PEOPLE)}
    for name, password in passwords.items():
        body = {"username": name, "email": f"{name}@example.com", "password": password}
        server.call("POST", "/auth/register", body, headers=_from(_OFFICE, "Firefox/140.0"))
        server.call("POST", "/auth/login", _login(name, password), headers=_from(_OFFICE, "Firefox/140.0"))

    say(f"\n2. A program tries {TRIES} passwords that were stolen elsewhere, on {NAMES} names", "title")
    answers: dict[int, int] = {}
    victim, password = next(iter(passwords.items()))
    for number in range(TRIES):
        name, tried = f"{mark}-name{number % NAMES}", secrets.token_urlsafe(9)
        if number == TRIES - 1:
            say("\n3. One of them is right: that person uses one password everywhere", "title")
            name, tried = victim, password
        address = f"{NETWORK}{1 + number % _ADDRESSES}"
        reply = server.call("POST", "/auth/login", _login(name, tried), headers=_from(address, _PROGRAM))
        answers[reply.status] = answers.get(reply.status, 0) + 1
        time.sleep(pause)
    say(f"\nAnswers by their status: {json.dumps(answers)}", "quiet")
    return answers


def _login(name: str, password: str) -> dict[str, str]:
    return {"username": name, "password": password}


def _from(address: str, program: str) -> dict[str, str]:
    """Return the headers by which a proxy names a client. A server without a trusted proxy counts them for nothing."""
    return {"X-Forwarded-For": address, "User-Agent": program}


@contextmanager
def worker() -> Iterator[None]:
    """Run the background worker, whose rules find the attack."""
    process = subprocess.Popen(
        [sys.executable, "manage.py", "run_worker"],
        cwd=demo.ROOT,
        preexec_fn=processes.ends_with_parent(signal.SIGTERM),
    )
    try:
        yield
    finally:
        process.terminate()
        process.wait()


def incidents_after(*, seconds: float) -> list[tuple[str, str, int]]:
    """Return the rule, the network and the events of each incident, once there are some.

    This reads the database of the server that was started for the attack.
    """
    from security_events.models import Incident

    deadline = time.monotonic() + seconds
    found: list[tuple[str, str, int]] = []
    while not found and time.monotonic() < deadline:
        time.sleep(0.5)
        found = list(Incident.objects.order_by("rule").values_list("rule", "network", "events"))
    return found


def _own() -> int:
    # The addresses that the attack names count as they do behind a proxy on this machine.
    with demo.own_server({"TRUSTED_PROXIES": "127.0.0.1/32"}) as server, worker():
        import django

        django.setup()
        made: dict[str, Any] = json.loads(
            subprocess.run(
                [
                    *(sys.executable, "manage.py", "create_admin", "--json"),
                    *("--username", "operator", "--email", "operator@example.com"),
                ],
                cwd=demo.ROOT,
                check=True,
                capture_output=True,
                text=True,
            ).stdout
        )
        say(f"\nOpen {server.url}/admin/console/ as operator, password {made['password']}", "title")
        if sys.stdin.isatty():
            input("Press Enter to begin the attack. ")
        stuff(server)
        say("\n4. What the rules found", "title")
        found = incidents_after(seconds=30)
        for rule, network, events in found:
            say(f"    {rule} {network} {events} events", "bad")
        if sys.stdin.isatty():
            say("\nThe server runs until Ctrl-C.", "quiet")
            with suppress(KeyboardInterrupt):
                signal.pause()
    return 0 if any(rule == "credential_stuffing" for rule, _network, _events in found) else 1


def play(name: str) -> int:
    """Play an attack against CEDRINA_URL or a server of its own; return the exit code."""
    if name not in ATTACKS:
        sys.exit(f"There is no attack {name!r}. Take one of: {', '.join(ATTACKS)}.")
    url = os.environ.get("CEDRINA_URL")
    if not url:
        return _own()
    try:
        require_loopback(url)
    except NotLoopback as refusal:
        sys.exit(str(refusal))
    stuff(demo.Server(url))
    say(f"Look at {url.rstrip('/')}/admin/console/", "title")
    return 0
