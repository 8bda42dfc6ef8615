"""On the loop's thread, or on another."""

import asyncio
import threading
from io import BytesIO

import pytest
from django.urls import resolve

from cedrina.http.paths import event_loop_calls
from cedrina.serving.request_dispatcher import RequestDispatcher, call_application
from tests.for_each import for_each


def where(environ, start_response):
    start_response("200 OK", [])
    try:
        asyncio.get_running_loop()
        runs = "running"
    except RuntimeError:
        runs = "still"
    return [f"{threading.current_thread().name} {runs}".encode()]


def dispatcher_of(application):
    return RequestDispatcher(on_event_loop=application, on_thread=where, event_loop_calls=event_loop_calls(), threads=1)


def answered(path, method="GET", *, content=b""):
    async def ask():
        dispatcher = dispatcher_of(where)
        environ = {"PATH_INFO": path, "REQUEST_METHOD": method, "wsgi.input": BytesIO(content)}
        _, _, body = await dispatcher.dispatch(environ)
        assert asyncio.get_running_loop() is not None
        return body.decode()

    return asyncio.run(ask())


class TestDispatch:
    def test_answers_quick_calls_where_the_loop_runs_and_lets_it_stand_still(self):
        assert answered("/api/v1/auth/me") == "MainThread still"

    @pytest.mark.parametrize("path", ["/api/v1/auth/login", "/api/v1/auth/register", "/admin/", "/api/v1/of/tomorrow"])
    def test_answers_what_takes_longer_on_a_thread(self, path):
        assert answered(path).startswith("request")

    def test_answers_a_method_that_takes_longer_than_its_path_on_a_thread(self):
        assert answered("/api/v1/auth/me", "PATCH") == "MainThread still"
        assert answered("/api/v1/auth/me", "DELETE").startswith("request")

    def test_answers_on_the_event_loop_what_its_view_declares(self):
        assert set(event_loop_calls()) == {
            ("GET", "/api/v1/auth/me"),
            ("PATCH", "/api/v1/auth/me"),
            ("POST", "/api/v1/auth/refresh"),
            ("POST", "/api/v1/auth/logout"),
            ("GET", "/api/v1/auth/sessions"),
            ("DELETE", "/api/v1/auth/sessions"),
            ("POST", "/api/v1/auth/introspect"),
            ("POST", "/api/v1/auth/revoke"),
            ("POST", "/api/v1/authz/check"),
            ("POST", "/access/v1/evaluation"),
            ("POST", "/oauth/token"),
            ("POST", "/oauth/introspect"),
            ("POST", "/oauth/revoke"),
            ("GET", "/.well-known/jwks.json"),
            ("GET", "/.well-known/oauth-authorization-server"),
            ("GET", "/livez"),
            ("HEAD", "/livez"),
            ("GET", "/readyz"),
            ("HEAD", "/readyz"),
        }

    @pytest.mark.parametrize(("method", "path"), sorted(event_loop_calls()))
    def test_knows_quick_calls_that_exist(self, method, path):
        view = resolve(path).func
        allowed = view.cls(**view.initkwargs).allowed_methods if hasattr(view, "cls") else ["GET", "HEAD"]
        assert method in allowed

    @pytest.mark.attack("RFC 8259, 7")
    @pytest.mark.parametrize(
        "content",
        [
            b'{"at_least_version": 9}',
            b'{"at\\u005fleast_version": 9}',
            b'{"\\u0061t_least_version": 9}',
            b'{"a": "\\n"}',
        ],
    )
    def test_answers_what_can_have_a_member_that_lets_it_wait_on_a_thread(self, content):
        assert answered("/api/v1/authz/check", "POST", content=b'{"object": "at_least"}') == "MainThread still"
        assert answered("/api/v1/authz/check", "POST", content=content).startswith("request")
        assert answered("/api/v1/authz/check-batch", "POST").startswith("request")

    def test_answers_questions_on_a_thread_while_casbin_decides(self, settings):
        settings.ACCESS = {**settings.ACCESS, "ENGINE": "casbin"}
        event_loop_calls.cache_clear()
        try:
            for path in ("/api/v1/authz/check", "/access/v1/evaluation"):
                assert answered(path, "POST").startswith("request")
        finally:
            event_loop_calls.cache_clear()

    @pytest.mark.attack("RFC 9110, 9.1")
    @pytest.mark.parametrize(
        "method",
        [
            "get",
            "Get",
            "post",
            "delete",
            "dElete",
            "GET ",
            "OPTIONS",
            "TRACE",
            "CONNECT",
            "FOO",
            "",
            "G" * 8000,
            "DELETE\t",
        ],
    )
    @for_each("path", sorted({path for _method, path in event_loop_calls()}))
    def test_answers_methods_that_are_not_listed_on_a_thread(self, method, path):
        assert answered(path, method).startswith("request")

    @pytest.mark.attack("RFC 3986, 6.2.2")
    @pytest.mark.parametrize(
        "path",
        [
            "/api/v1/auth//me",
            "/api/v1/auth/me/",
            "//api/v1/auth/me",
            "/api/v1/auth/%6De",
            "/api/v1/auth/./me",
            "/api/v1/auth/x/../me",
            "/api/v1/auth/me;a",
            "/API/v1/auth/me",
            "/api/v1/auth/me\0",
            "/api/v1/auth/sessions/1",
        ],
    )
    def test_answers_paths_that_are_written_in_another_way_on_a_thread(self, path):
        assert answered(path).startswith("request")

    def test_lets_the_loop_run_again_after_a_fault(self):
        def broken(environ, start_response):
            raise RuntimeError

        async def ask():
            with pytest.raises(RuntimeError):
                await dispatcher_of(broken).dispatch({"PATH_INFO": "/livez", "REQUEST_METHOD": "GET"})
            await asyncio.sleep(0)

        asyncio.run(ask())


class TestCall:
    def test_closes_the_answer(self):
        class Answer(list):
            def close(self):
                closed.append(1)

        def application(environ, start_response):
            start_response("201 Created", [("A", "b")])
            return Answer([b"x", b"y"])

        closed = []
        assert call_application(application, {}) == (201, [("A", "b")], b"xy")
        assert closed == [1]
