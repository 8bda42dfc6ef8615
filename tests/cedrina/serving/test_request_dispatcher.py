"""On the loop's thread, or on another."""

import asyncio
import threading

import pytest
from django.urls import resolve

from cedrina.http.paths import QUICK
from cedrina.serving.request_dispatcher import Lanes, call


def where(environ, start_response):
    start_response("200 OK", [])
    try:
        asyncio.get_running_loop()
        runs = "running"
    except RuntimeError:
        runs = "still"
    return [f"{threading.current_thread().name} {runs}".encode()]


def answered(path, method="GET"):
    async def ask():
        lanes = Lanes(quick=where, slow=where, threads=1)
        _, _, body = await lanes.answer({"PATH_INFO": path, "REQUEST_METHOD": method})
        assert asyncio.get_running_loop() is not None
        return body.decode()

    return asyncio.run(ask())


class TestAnswer:
    def test_answers_quick_calls_where_the_loop_runs_and_lets_it_stand_still(self):
        assert answered("/api/v1/auth/me") == "MainThread still"

    @pytest.mark.parametrize("path", ["/api/v1/auth/login", "/api/v1/auth/register", "/admin/", "/api/v1/of/tomorrow"])
    def test_answers_what_takes_longer_on_a_thread(self, path):
        assert answered(path).startswith("answering")

    def test_answers_a_method_that_takes_longer_than_its_path_on_a_thread(self):
        assert answered("/api/v1/auth/me", "PATCH") == "MainThread still"
        assert answered("/api/v1/auth/me", "DELETE").startswith("answering")

    @pytest.mark.parametrize(("method", "path"), sorted(QUICK))
    def test_knows_quick_calls_that_exist(self, method, path):
        view = resolve(path).func
        allowed = view.cls(**view.initkwargs).allowed_methods if hasattr(view, "cls") else ["GET", "HEAD"]
        assert method in allowed

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
    @pytest.mark.parametrize("path", sorted({path for _method, path in QUICK}))
    def test_answers_methods_that_are_not_listed_on_a_thread(self, method, path):
        assert answered(path, method).startswith("answering")

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
        assert answered(path).startswith("answering")

    def test_lets_the_loop_run_again_after_a_fault(self):
        def broken(environ, start_response):
            raise RuntimeError

        async def ask():
            with pytest.raises(RuntimeError):
                await Lanes(quick=broken, slow=where, threads=1).answer(
                    {"PATH_INFO": "/livez", "REQUEST_METHOD": "GET"}
                )
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
        assert call(application, {}) == (201, [("A", "b")], b"xy")
        assert closed == [1]
