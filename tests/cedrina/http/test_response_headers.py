import asyncio

import pytest
from django.http import HttpResponse
from django.test import Client

from cedrina.http.request_limits import refusal_response
from cedrina.http.response_headers import SERVER_HEADERS, FixedHeaders
from cedrina.serving.asgi_application import AsgiApplication
from cedrina.serving.django_handler import ServedHandler
from cedrina.serving.request_dispatcher import RequestDispatcher
from cedrina.serving.request_processing import RequestHandler

POLICY = FixedHeaders({"Referrer-Policy": "no-referrer"})
PATHS = ("/livez", "/api/v1/auth/me", "/api/v1/nothing", "/account/brand/nothing", "/nothing", "/admin/nothing")
IDENTITY = "the-same-request"


class TestFixedHeaders:
    def test_take_the_place_of_others(self):
        response = HttpResponse(headers={"referrer-policy": "unsafe-url", "X-Name": "stays"})
        POLICY.add_to(response, {})
        assert response.headers["Referrer-Policy"] == "no-referrer"
        assert response.headers["X-Name"] == "stays"

    def test_are_left_to_a_server_of_ours(self):
        response, environ = HttpResponse(), {SERVER_HEADERS: None}
        POLICY.add_to(response, environ)
        assert environ[SERVER_HEADERS] is POLICY
        assert "Referrer-Policy" not in response.headers

    def test_are_not_added_to_the_refusal_that_is_sent_instead(self):
        environ = {"PATH_INFO": "/api/v1/auth/me", SERVER_HEADERS: POLICY}
        _status, headers, _body = refusal_response("internal_error", environ)
        assert SERVER_HEADERS not in environ
        assert [name for name, _ in headers].count("Referrer-Policy") == 1


def served(path, accept):
    """Return the status and the headers that our servers send."""
    handler = ServedHandler()
    dispatcher = RequestDispatcher(
        on_event_loop=handler, on_thread=handler, event_loop_calls={("GET", path): b""}, threads=1
    )
    application = AsgiApplication(request_handler=RequestHandler(dispatcher), websockets=None)
    scope = {
        "type": "http",
        "http_version": "1.1",
        "server": ("testserver", 80),
        "client": ("127.0.0.1", 4711),
        "method": "GET",
        "path": path,
        "query_string": b"",
        "headers": [
            (b"host", b"testserver"),
            (b"accept", accept.encode()),
            (b"x-correlation-id", IDENTITY.encode()),
        ],
    }
    sent = []

    async def send(message):
        sent.append(message)

    asyncio.run(application(scope, None, send))
    return sent[0]["status"], [(name.decode(), value.decode("latin-1")) for name, value in sent[0]["headers"]]


@pytest.mark.usefixtures("signals_of_django")
@pytest.mark.django_db
class TestServers:
    @pytest.mark.parametrize("accept", ["application/json", "text/html"])
    @pytest.mark.parametrize("path", PATHS)
    def test_send_what_django_sends(self, path, accept):
        status, headers = served(path, accept)
        plain = Client().get(path, headers={"accept": accept, "x-correlation-id": IDENTITY})
        assert status == plain.status_code
        # What is left of a quota differs from request to request.
        expected = {name.lower(): value for name, value in plain.headers.items() if "ratelimit" not in name.lower()}
        found = [(name, value) for name, value in headers if "ratelimit" not in name]
        assert dict(found) == expected | {"content-length": dict(found)["content-length"]}
        assert len(dict(found)) == len(found)
