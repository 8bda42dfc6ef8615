"""Build the application that servers run. Importing this module sets Django up.

The import opens no connection and starts no thread, so that a process which has imported it can be forked.
"""

import threading
from importlib import import_module

import django
from django.conf import settings
from django.db import connections

django.setup(set_prefix=False)

from cedrina_base.optional_imports import import_without

import_without("rest_framework.compat", optional=["requests"])  # 3.6 MiB for a client of tests
if settings.ACCOUNTS["SOCIAL_PROVIDERS"]:
    # So that nobody who signs in by a provider waits for its libraries.
    import_module("accounts.providers.facebook")
    import_module("accounts.providers.openid")

from cedrina.database.timeouts import set_timeouts
from cedrina.http.paths import event_loop_calls
from cedrina.monitoring.tracing import process
from cedrina.serving import connection_pool
from cedrina.serving.django_handler import ServedHandler
from cedrina.serving.request_dispatcher import RequestDispatcher
from cedrina.serving.request_processing import RequestHandler
from ratelimiting.services import background_thread
from security_events.live import hint_sender
from tokens.access_tokens.keyring import keyring

set_timeouts()
# Built before worker processes are forked, so that they share what it consists of.
django_application = ServedHandler()
EVENT_LOOP_CALLS = event_loop_calls()


def request_handler() -> RequestHandler:
    """Return the request handler of this process. Load the signing keys, and begin to load the rate limits.

    The event loop's thread has a database connection of its own; the other threads share the rest of
    ``DATABASE_POOL_MAX``.
    """
    # On a thread: Django refuses to use the database on a thread whose event loop runs, and some servers load the
    # application there.
    loading = threading.Thread(target=_load_signing_keys)
    loading.start()
    loading.join()
    background_thread.start()
    hint_sender.start()
    serving = settings.SERVING
    pool = connection_pool.create_pool(size=max(1, serving["MAX_CONNECTIONS"] - 1), opened=serving["MIN_CONNECTIONS"])
    recorder = process.present_recorder()
    application: connection_pool.WsgiApplication = django_application
    if recorder is not None:
        from cedrina.serving.traced_requests import TracedRequestHandler, within_span

        application = within_span(django_application)
    dispatcher = RequestDispatcher(
        on_event_loop=application,
        on_thread=connection_pool.with_pooled_connection(application, pool),
        event_loop_calls=EVENT_LOOP_CALLS,
        threads=serving["THREADS"],
    )
    return RequestHandler(dispatcher) if recorder is None else TracedRequestHandler(dispatcher, recorder)


def _load_signing_keys() -> None:
    """Load the keys before the first request. Then an outage of the database before their first use does no harm."""
    keyring.load()
    connections.close_all()
