"""What tests of tokens share."""

from contextlib import contextmanager

import pytest
from django.db import connection
from rest_framework.test import APIClient

from security_events.models import SecurityEvent
from tokens.access_tokens.keyring import keyring


@pytest.fixture
def api():
    return APIClient()


@pytest.fixture
def own_keys(db):
    """Let a test change the signing keys without anybody else meeting what it leaves in this process."""
    keyring.clear()
    yield
    keyring.clear()


@pytest.fixture
def counted():
    """Collect the statements of a block, BEGIN and COMMIT included, in a test with real transactions."""

    @contextmanager
    def count():
        statements = []
        connection.ensure_connection()
        connection.queries_log.clear()
        connection.force_debug_cursor = True
        try:
            yield statements
        finally:
            connection.force_debug_cursor = False
            statements += [query["sql"] for query in connection.queries_log]
            connection.queries_log.clear()

    return count


@pytest.fixture
def events_of():
    """Return the events of a session, in order."""

    def events(session_id, **conditions):
        return list(SecurityEvent.objects.filter(session_id=session_id, **conditions).order_by("id"))

    return events
