"""Django's WSGI handler, without work that comes out the same at each request.

A fixed path always leads to the same view, and there is one database whose connection may have to be closed. Django
looks for both anew at each request: it tries the routes one after the other, and asks all handlers of connections and
caches. Figures are in docs/architecture.md, "Clever parts".
"""

from typing import Any

from django.conf import settings
from django.core.cache import caches, close_caches
from django.core.cache.backends.base import BaseCache
from django.core.handlers.base import reset_urlconf
from django.core.handlers.wsgi import WSGIHandler
from django.core.signals import request_finished, request_started
from django.db import DEFAULT_DB_ALIAS, close_old_connections, connections, reset_queries
from django.http import HttpRequest
from django.urls import ResolverMatch

from cedrina.http.paths import fixed_paths


class ServedHandler(WSGIHandler):
    """The handler of servers. Tests that call Django without a server have its own one: both answer the same."""

    def __init__(self) -> None:
        super().__init__()
        self._matches: dict[str, ResolverMatch] = {}  # of paths without variable parts, so they are few
        watch_one_connection()

    def resolve_request(self, request: HttpRequest) -> ResolverMatch:
        """Return the route of a request, and keep that of a fixed path."""
        path = request.path_info
        match = self._matches.get(path)
        if match is None:
            match = super().resolve_request(request)
            if path in fixed_paths():
                self._matches[path] = match
        else:
            request.resolver_match = match
        return match


def watch_one_connection() -> None:
    """Let requests look after the connection of the default database alone, in this process.

    A read from a replica closes its connection itself. The queries that ``DEBUG`` records are forgotten at each request
    as ever. The handler sets the same URLconf at each request, so nobody needs to take it away between them.
    """
    for signal in (request_started, request_finished):
        signal.disconnect(close_old_connections)
        signal.connect(_close_unusable_connection, dispatch_uid="cedrina.serving")
    request_finished.disconnect(reset_urlconf)
    if not settings.DEBUG:
        request_started.disconnect(reset_queries)
    if all(type(caches[alias]).close is BaseCache.close for alias in settings.CACHES):  # which closes nothing
        request_finished.disconnect(close_caches)


def _close_unusable_connection(**_signal: Any) -> None:
    connections[DEFAULT_DB_ALIAS].close_if_unusable_or_obsolete()
