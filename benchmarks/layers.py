"""What each layer of a call costs, in CPU microseconds of one process without a server.

Calls the application as a server would, and its parts by themselves, all in turns; prints the median of the rounds.
What is left of a call after its parts is Django's handler, the middleware and Django REST framework. What a server adds
is the CPU of a request in `make bench` less that of the whole call here.
"""

import argparse
import io
import json
import os
import statistics
import sys
import time
from collections.abc import Callable
from typing import Any

from servers import ROOT, bench_environment, cedrina_environment, migrate, require_database

PASSWORD = "four quiet green lamps"
CALLS_A_TURN = 100
WARM_UP_CALLS = 200


def main() -> int:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=15)
    options = parser.parse_args()
    require_database()
    environment = cedrina_environment(bench_environment(1, bcrypt_rounds=4))
    migrate(environment)
    layers = set_up(environment)
    for call in layers.values():
        for _ in range(WARM_UP_CALLS):
            call()
    found: dict[str, list[float]] = {name: [] for name in layers}
    for _ in range(options.rounds):
        for name, call in layers.items():
            found[name].append(microseconds(call))
    print(f"{'':50}{'CPU us':>8}{'lowest':>8}{'highest':>8}")
    for name, figures in found.items():
        print(f"{name:50}{statistics.median(figures):8.0f}{min(figures):8.0f}{max(figures):8.0f}")
    return 0


def microseconds(call: Callable[[], object]) -> float:
    """Return the CPU time of a call."""
    begun = time.process_time()
    for _ in range(CALLS_A_TURN):
        call()
    return (time.process_time() - begun) / CALLS_A_TURN * 1e6


class Application:
    """The WSGI application, called as a server calls it, and one person who is signed in."""

    def __init__(self) -> None:
        from cedrina.serving.application import django_application

        self._application = django_application
        person = {"username": f"layers-{os.getpid()}", "email": "layers@example.com", "password": PASSWORD}
        tokens = self.call("POST", "/api/v1/auth/register", person, expected=201)["tokens"]
        self.access, self.refresh = tokens["access_token"], tokens["refresh_token"]

    def call(self, method: str, path: str, body: Any = None, *, bearer: str = "", expected: int = 200) -> Any:
        """Return the JSON of a response."""
        content = b"" if body is None else json.dumps(body).encode()
        started: list[str] = []
        environ = {
            "REQUEST_METHOD": method,
            "PATH_INFO": path,
            "SCRIPT_NAME": "",
            "QUERY_STRING": "",
            "SERVER_NAME": "127.0.0.1",
            "SERVER_PORT": "80",
            "SERVER_PROTOCOL": "HTTP/1.1",
            "REMOTE_ADDR": "127.0.0.1",
            "HTTP_HOST": "127.0.0.1",
            "HTTP_ACCEPT": "application/json",
            "wsgi.version": (1, 0),
            "wsgi.url_scheme": "http",
            "wsgi.errors": sys.stderr,
            "wsgi.multithread": True,
            "wsgi.multiprocess": True,
            "wsgi.run_once": False,
            "wsgi.input": io.BytesIO(content),
            "CONTENT_LENGTH": str(len(content)),
        }
        if content:
            environ["CONTENT_TYPE"] = "application/json"
        if bearer:
            environ["HTTP_AUTHORIZATION"] = f"Bearer {bearer}"
        response = self._application(environ, lambda status, _headers, _error=None: started.append(status))
        said = b"".join(response)
        response.close()
        if not started[0].startswith(str(expected)):
            sys.exit(f"{method} {path}: {started[0]} {said[:300]!r}")
        return json.loads(said) if said else None

    def rotate_over_http(self) -> None:
        """Exchange the refresh token."""
        self.refresh = self.call("POST", "/api/v1/auth/refresh", {"refresh_token": self.refresh})["refresh_token"]


def set_up(environment: dict[str, str]) -> dict[str, Callable[[], object]]:
    """Return what is measured, by its name."""
    os.environ.update(environment)
    sys.path.insert(0, str(ROOT))
    os.chdir(ROOT)
    from cedrina.settings.settings_module import settings_module

    os.environ.setdefault("DJANGO_SETTINGS_MODULE", settings_module())
    application = Application()

    from django.utils import timezone

    from ratelimiting.services import enforcement
    from ratelimiting.types import Algorithm, Level, Quota
    from tokens.access_tokens.codec import decode_access_token
    from tokens.services import rotation, verification

    claims = decode_access_token(application.access)
    levels = [Level(f"layer{number}", Quota(Algorithm.TOKEN_BUCKET, 10**9, 60.0), "layers") for number in range(4)]

    def rotate() -> None:
        application.refresh = rotation.rotate(presented=application.refresh, now=timezone.now()).refresh_token

    return {
        "GET /livez, the whole call": lambda: application.call("GET", "/livez"),
        "GET /api/v1/auth/me, the whole call": lambda: application.call(
            "GET", "/api/v1/auth/me", bearer=application.access
        ),
        "  the access token is verified": lambda: decode_access_token(application.access),
        "  its session and user are read": lambda: verification.authenticate_claims(claims=claims, now=timezone.now()),
        "  four limits are decided": lambda: enforcement.decide(levels),
        "POST /api/v1/auth/refresh, the whole call": application.rotate_over_http,
        "  the family is rotated and its tokens are signed": rotate,
    }


if __name__ == "__main__":
    sys.exit(main())
