"""Put the layers of serving together. Importing this sets Django up."""

import threading

from django.conf import settings
from django.core.wsgi import get_wsgi_application
from django.db import connections

django_application = get_wsgi_application()

from cedrina.database.timeouts import bound_statements
from cedrina.serving import connection_pool
from cedrina.serving.request_dispatcher import Lanes
from cedrina.serving.request_processing import Reception
from tokens.keyring import keyring

bound_statements()


def bounded_application(connections: int) -> connection_pool.Application:
    """Return the WSGI application for many threads, which share so many connections. It knows the signing keys."""
    # In a thread of its own: a server that loads the application inside its event loop may not be blocked by Django.
    loading = threading.Thread(target=_load_signing_keys)
    loading.start()
    loading.join()
    return connection_pool.bounded(
        django_application, connection_pool.use(number=connections, warm=settings.SERVING["WARM"])
    )


def _load_signing_keys() -> None:
    """Know the keys before the first request, so that an outage before the first use of them does no harm."""
    keyring.load()
    connections.close_all()


def reception() -> Reception:
    """Return the way in for servers with an event loop; its thread has a connection of its own."""
    shared = bounded_application(max(1, settings.SERVING["SLOTS"] - 1))
    return Reception(Lanes(quick=django_application, slow=shared, threads=settings.SERVING["THREADS"]))
