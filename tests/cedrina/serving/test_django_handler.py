import io
import sys

import pytest
from django.core.cache import close_caches
from django.core.handlers.base import BaseHandler, reset_urlconf
from django.core.signals import request_finished, request_started
from django.db import close_old_connections, connection, reset_queries
from django.test import RequestFactory
from django.urls import Resolver404, resolve

from cedrina.http.paths import fixed_paths
from cedrina.serving.django_handler import ServedHandler, watch_one_connection
from cedrina.serving.request_dispatcher import call_application

USER = "/api/v1/admin/users/019b8d5a-4c1e-7a30-9f52-0d6f6b0f8a12"
pytestmark = pytest.mark.usefixtures("signals_of_django")


def called(signal):
    return {receiver for each in signal._live_receivers(None)[:1] for receiver in each}


class TestResolveRequest:
    def resolved(self, handler, path):
        request = RequestFactory().get(path)
        match = handler.resolve_request(request)
        assert request.resolver_match is match
        return match

    def test_finds_what_django_finds(self):
        handler = ServedHandler()
        paths = sorted(fixed_paths())
        assert len(paths) > 80
        for path in (*paths, USER):
            for _time in range(2):
                found, expected = self.resolved(handler, path), resolve(path)
                assert (found.func, found.view_name, found.args, found.kwargs) == (
                    expected.func,
                    expected.view_name,
                    expected.args,
                    expected.kwargs,
                )

    def test_keeps_fixed_paths_alone(self):
        handler = ServedHandler()
        assert self.resolved(handler, "/livez") is self.resolved(handler, "/livez")
        assert self.resolved(handler, USER) is not self.resolved(handler, USER)

    @pytest.mark.parametrize("spelling", ["/api/v1/auth/me/", "/api/v1/AUTH/me", "/api/v1//auth/me", "/api/v1/"])
    def test_finds_nothing_by_another_spelling(self, spelling):
        handler = ServedHandler()
        self.resolved(handler, "/api/v1/auth/me")
        with pytest.raises(Resolver404):
            self.resolved(handler, spelling)

    def test_keeps_nothing_of_a_path_without_a_route(self):
        handler = ServedHandler()
        for _time in range(2):
            with pytest.raises(Resolver404):
                handler.resolve_request(RequestFactory().get("/api/v1/nothing"))

    def test_is_the_method_that_django_calls(self):
        assert ServedHandler.resolve_request is not BaseHandler.resolve_request
        assert "resolve_request" in BaseHandler._get_response.__code__.co_names


class TestWatchOneConnection:
    def test_knows_all_receivers_of_django(self):
        assert called(request_started) == {reset_queries, close_old_connections}
        assert called(request_finished) == {close_caches, close_old_connections, reset_urlconf}

    def test_leaves_one_receiver(self):
        watch_one_connection()
        assert len(called(request_started)) == len(called(request_finished)) == 1

    def test_forgets_recorded_queries_where_they_are_recorded(self, settings):
        settings.DEBUG = True
        watch_one_connection()
        assert reset_queries in called(request_started)

    @pytest.mark.django_db(transaction=True)
    def test_closes_a_connection_with_an_error(self):
        watch_one_connection()
        for signal in (request_started, request_finished):
            connection.ensure_connection()
            connection.errors_occurred = True
            connection.connection.close()
            signal.send(sender=None)
            assert connection.connection is None


@pytest.mark.django_db
class TestServedHandler:
    def test_answers_again_and_again(self):
        handler = ServedHandler()
        for _time in range(2):
            environ = RequestFactory()._base_environ(PATH_INFO="/livez", **{"wsgi.input": io.BytesIO()})
            environ["wsgi.errors"] = sys.stderr
            status, headers, body = call_application(handler, environ)
            assert (status, body[:1]) == (200, b"{")
            assert dict(headers)["Cache-Control"] == "no-store"
