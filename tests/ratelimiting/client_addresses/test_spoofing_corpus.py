"""Forwarding headers, honest and forged, over every way into the process: each of them hands them on in its own way."""

import asyncio
import json
from pathlib import Path

import pytest

from cedrina.serving import asgi_application
from ratelimiting.client_addresses.resolution import client_from_environ, client_from_scope
from tests.for_each import for_each

CORPUS = json.loads((Path(__file__).parent / "spoofing_corpus.json").read_text(encoding="utf-8"))


def over_wsgi(case):
    """As a WSGI server spells it: lines of one name joined by commas, names with underscores dropped."""
    environ = {"REMOTE_ADDR": case["peer"]}
    for name, value in case["headers"]:
        if "_" not in name:
            key = f"HTTP_{name.upper().replace('-', '_')}"
            environ[key] = f"{environ[key]},{value}" if key in environ else value
    return client_from_environ(environ)


def scope_of(case, kind):
    return {
        "type": kind,
        "http_version": "1.1",
        "method": "GET",
        "scheme": "http",
        "path": "/",
        "query_string": b"",
        "server": ("127.0.0.1", 8000),
        "client": (case["peer"], 4711) if case["peer"] else None,
        "headers": [(name.lower().encode(), value.encode("latin-1")) for name, value in case["headers"]],
    }


def over_asgi(case):
    environs = []

    class RequestHandler:
        async def handle(self, environ, body):
            environs.append(environ)
            return 200, [], b""

    async def send(message):
        pass

    application = asgi_application.AsgiApplication(request_handler=RequestHandler(), websockets=None)
    asyncio.run(application(scope_of(case, "http"), None, send))
    return client_from_environ(environs[0])


def over_a_socket(case):
    return client_from_scope(scope_of(case, "websocket"))


@pytest.mark.parametrize("way", [over_wsgi, over_asgi, over_a_socket])
@for_each("case", CORPUS["cases"], ids=lambda case: case["name"])
def test_the_caller_is_who_it_is_whatever_the_headers_say(case, way, settings):
    settings.RATELIMITING = {
        **settings.RATELIMITING,
        "TRUSTED_PROXIES": case.get("trusted", CORPUS["trusted"]),
        "TRUSTED_PROXY_HEADER": case.get("header", "x-forwarded-for"),
    }

    caller = way(case)

    assert (caller.address, list(caller.findings)) == (case["address"], case["findings"])
    assert caller.network == case.get("network", caller.network)


def test_the_corpus_has_every_kind_of_finding():
    assert {finding for case in CORPUS["cases"] for finding in case["findings"]} == {
        "untrusted_peer",
        "contradiction",
        "malformed",
        "private",
        "too_long",
    }
