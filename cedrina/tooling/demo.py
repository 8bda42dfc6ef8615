"""`make demo`: the story of a stolen refresh token, told against a real server.

CEDRINA_URL names the server; without it one is started beside a throw-away database, and the trail is shown too.
ATTACK names an attack that is played instead (``cedrina.tooling.demo_attack``).
"""

import json
import os
import secrets
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

from cedrina.tooling.embedded import processes

ROOT = Path(__file__).resolve().parents[2]
START_SECONDS = 60
_COLOURS = {"title": "1", "good": "32", "bad": "31", "quiet": "2"}


class Reply(NamedTuple):
    """A response of the server."""

    status: int
    body: Any


class Server:
    """A server that is called over HTTP."""

    def __init__(self, url: str) -> None:
        self.url = url.rstrip("/")

    def call(
        self, method: str, path: str, body: Any = None, *, token: str = "", headers: Mapping[str, str] | None = None
    ) -> Reply:
        """Send one request and print it."""
        authorization = {"Authorization": f"Bearer {token}"} if token else {}
        headers = {"Content-Type": "application/json", **authorization, **(headers or {})}
        request = urllib.request.Request(
            f"{self.url}/api/v1{path}",
            method=method,
            headers=dict(headers),
            data=json.dumps(body).encode() if body is not None else None,
        )
        try:
            with urllib.request.urlopen(request, timeout=30) as response:
                reply = Reply(response.status, _decoded(response.read()))
        except urllib.error.HTTPError as refusal:
            reply = Reply(refusal.code, _decoded(refusal.read()))
        code = f" {reply.body['code']}" if reply.status >= 400 and isinstance(reply.body, dict) else ""
        say(f"    {method} {path}  ->  {reply.status}{code}", "quiet")
        return reply


def tell(server: Server) -> list[bool]:
    """Run the story. Return for each step whether the server behaved as expected."""
    name, password = f"ada-{secrets.token_hex(3)}", secrets.token_urlsafe(18)
    turns = []

    say("\n1. Ada registers and signs in on her phone", "title")
    address = f"{name}@example.com"
    reply = server.call("POST", "/auth/register", {"username": name, "email": address, "password": password})
    turns.append(check(reply.status == 201, "She has an account and a session.", "Registration was refused."))
    if not turns[-1]:
        say("    This server wants addresses confirmed: start it with EMAIL_CONFIRMATION=optional.", "bad")
        return turns
    laptop = server.call("POST", "/auth/login", {"username": address, "password": password}).body["tokens"]
    phone = reply.body["tokens"]

    say("\n2. The train enters a tunnel: the reply to a refresh is lost, so her phone asks again", "title")
    lost = server.call("POST", "/auth/refresh", {"refresh_token": phone["refresh_token"]}).body
    again = server.call("POST", "/auth/refresh", {"refresh_token": phone["refresh_token"]}).body
    same = lost.get("refresh_token") == again.get("refresh_token")
    turns.append(check(same, "She gets the same successor, and stays signed in.", "The lost reply logged her out."))

    say("\n3. A thief has copied her old refresh token; her phone has moved on", "title")
    server.call("GET", "/auth/me", token=again["access_token"])
    newest = server.call("POST", "/auth/refresh", {"refresh_token": again["refresh_token"]}).body
    server.call("GET", "/auth/me", token=newest["access_token"])
    stolen = server.call("POST", "/auth/refresh", {"refresh_token": phone["refresh_token"]})
    caught = stolen.status == 401 and stolen.body["code"] == "refresh_token_reused"
    turns.append(check(caught, "The theft is seen at once.", "The stolen token was accepted."))

    say("\n4. The stolen session is over, for the thief and for her phone alike", "title")
    dead = [
        server.call("GET", "/auth/me", token=newest["access_token"]),
        server.call("POST", "/auth/refresh", {"refresh_token": newest["refresh_token"]}),
    ]
    turns.append(check(all(reply.status == 401 for reply in dead), "Nothing of it works any more.", "It lives on."))

    say("\n5. Her laptop was never in danger", "title")
    sessions = server.call("GET", "/auth/sessions", token=laptop["access_token"])
    alone = sessions.status == 200 and [row["current"] for row in sessions.body["results"]] == [True]
    turns.append(check(alone, "It is signed in still, in the one session that is left.", "It was logged out, too."))
    return turns


def check(holds: bool, good: str, bad: str) -> bool:
    """Print whether a step of the story succeeded, and return it."""
    say(f"    {good}" if holds else f"    {bad}", "good" if holds else "bad")
    return holds


def show_trail() -> None:
    """Print the security events of the story, from the database of the server that was started for it."""
    import django

    django.setup()
    from security_events.models import SecurityEvent

    say("\n6. What the trail says (it can only be added to)", "title")
    for event in SecurityEvent.objects.order_by("occurred_at", "id"):
        reasons = f" ({', '.join(event.risk_reasons)})" if event.risk_reasons else ""
        colour = "bad" if event.severity in ("high", "critical") else "quiet"
        say(f"    {event.occurred_at:%H:%M:%S.%f} {event.severity:8} {event.type}{reasons}", colour)


def say(text: str, tone: str) -> None:
    """Print a line, in colour on a terminal."""
    print(f"\x1b[{_COLOURS[tone]}m{text}\x1b[0m" if sys.stdout.isatty() else text, flush=True)


def _decoded(raw: bytes) -> Any:
    return json.loads(raw) if raw else None


@contextmanager
def own_server(settings: Mapping[str, str] | None = None) -> Iterator[Server]:
    """Start a server on a free port, with these settings, beside the database that DATABASE_URL names."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "cedrina.settings.dev")
    os.environ.update(PORT=str(port), EMAIL_CONFIRMATION="optional", LOG_LEVEL="WARNING", **(settings or {}))
    subprocess.run([sys.executable, "manage.py", "migrate", "-v", "0"], cwd=ROOT, check=True)
    process = subprocess.Popen(
        [sys.executable, "-m", "cedrina.serving"],
        cwd=ROOT,
        preexec_fn=processes.ends_with_parent(signal.SIGTERM),
    )
    try:
        _wait_for(f"http://127.0.0.1:{port}/livez", process.poll)
        yield Server(f"http://127.0.0.1:{port}")
    finally:
        process.terminate()
        process.wait()


def _wait_for(url: str, ended: Callable[[], int | None]) -> None:
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline and ended() is None:
        try:
            urllib.request.urlopen(url, timeout=1)
        except OSError:
            time.sleep(0.2)
        else:
            return
    sys.exit("The server did not start; what it printed stands above.")


def main() -> int:
    """Run the story, or the attack that ATTACK names, and return 0 if each step succeeded."""
    url, attack = os.environ.get("CEDRINA_URL"), os.environ.get("ATTACK")
    if url and not attack:
        return 0 if all(tell(Server(url))) else 1
    if not url and "DATABASE_URL" not in os.environ:
        say("Starting a database and a server for the story ...", "quiet")
        return subprocess.call(
            [
                sys.executable,
                "-m",
                "cedrina.tooling.embedded",
                "run",
                "--",
                sys.executable,
                "-m",
                "cedrina.tooling.demo",
            ],
            cwd=ROOT,
        )
    if attack:
        from cedrina.tooling import demo_attack

        return demo_attack.play(attack)
    with own_server() as server:
        turns = tell(server)
    show_trail()
    return 0 if all(turns) else 1


if __name__ == "__main__":
    sys.exit(main())
