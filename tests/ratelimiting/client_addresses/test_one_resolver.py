"""Limits, events, sessions, the admin, allauth and sockets all take the caller's address from the one resolver."""

import asyncio
import json

import pytest
from channels.testing import WebsocketCommunicator
from django.http import HttpResponse
from rest_framework.request import Request

from accounts.api.form_limits import client_network
from accounts.bridge.account_adapter import AccountAdapter
from cedrina.http.middleware import RequestMiddleware
from cedrina.routing import ClientContextMiddleware
from security_events import context
from tests.factories.accounts import PASSWORD, UserFactory
from tokens.api.client import client_context
from tokens.models import Session

PROXY, CLIENT = "10.0.0.1", "2001:db8:1:2::7"
FORGED = f"203.0.113.5, {CLIENT}"


@pytest.fixture(autouse=True)
def _behind_a_proxy(settings):
    settings.RATELIMITING = {**settings.RATELIMITING, "TRUSTED_PROXIES": ["10.0.0.0/8"]}


@pytest.fixture
def seen(rf):
    """Send one request through the middleware and return it with the context of its events."""
    found = {}

    def view(request):
        found.update(request=request, context=context.current())
        return HttpResponse()

    RequestMiddleware(view)(rf.post("/", REMOTE_ADDR=PROXY, HTTP_X_FORWARDED_FOR=FORGED, HTTP_HOST="localhost"))
    return found


def test_events_carry_it(seen):
    assert seen["context"].ip_address == CLIENT


def test_sessions_remember_it(seen):
    assert client_context(Request(seen["request"])).ip_address == CLIENT


def test_limits_count_its_network(seen):
    assert seen["request"].caller.network == "2001:db8:1:2::/64"


def test_the_admins_limit_counts_its_network(seen):
    assert client_network("", seen["request"]) == seen["request"].caller.network


def test_allauth_is_told_it(seen):
    assert AccountAdapter(seen["request"]).get_client_ip(seen["request"]) == CLIENT


def test_sockets_have_it_in_their_scope_and_their_events():
    async def tell(scope, receive, send):
        await send({"type": "websocket.accept"})
        told = {"scope": scope["client_ip"], "events": context.current().ip_address, "network": scope["caller"].network}
        await send({"type": "websocket.send", "text": json.dumps(told)})

    async def talk():
        headers = [(b"x-forwarded-for", b"203.0.113.5"), (b"x-forwarded-for", CLIENT.encode())]
        socket = WebsocketCommunicator(ClientContextMiddleware(tell), "/ws/health/", headers=headers)
        socket.scope["client"] = (PROXY, 4711)
        await socket.connect(timeout=60)
        return json.loads(await socket.receive_from(timeout=60))

    assert asyncio.run(talk()) == {"scope": CLIENT, "events": CLIENT, "network": "2001:db8:1:2::/64"}


@pytest.mark.django_db
def test_a_sign_in_over_http_stores_it(client):
    UserFactory(username="mina", raw_password=PASSWORD)

    answer = client.post(
        "/api/v1/auth/login",
        {"username": "mina", "password": PASSWORD},
        content_type="application/json",
        REMOTE_ADDR=PROXY,
        HTTP_X_FORWARDED_FOR=FORGED,
    )

    assert answer.status_code == 200
    assert Session.objects.get().ip_address == CLIENT
