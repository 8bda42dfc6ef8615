"""Connections that are looked at instead of asked."""

import socket
import time

import pytest
from django.db import OperationalError, connection
from django.test import TransactionTestCase

from cedrina.database import limits
from cedrina.database.base import DatabaseWrapper


class TestIsUsable(TransactionTestCase):
    def backend(self):
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_backend_pid()")
            return cursor.fetchone()[0]

    def next_request(self):
        """Do what Django does at the start of a request."""
        connection.health_check_enabled = True
        connection.close_if_unusable_or_obsolete()

    def test_replaces_a_connection_that_the_server_ended(self):
        first = self.backend()
        other = connection.copy()
        with other.cursor() as cursor:
            cursor.execute("SELECT pg_terminate_backend(%s)", [first])
        other.close()
        time.sleep(0.1)
        self.next_request()
        assert self.backend() != first

    def test_keeps_a_good_connection_without_a_statement(self):
        first = self.backend()
        self.next_request()
        with self.assertNumQueries(1):
            assert self.backend() == first

    def test_asks_when_the_server_said_something_harmless(self):
        with connection.cursor() as cursor:
            cursor.execute("LISTEN news")
        other = connection.copy()
        with other.cursor() as cursor:
            cursor.execute("NOTIFY news")
        other.close()
        time.sleep(0.1)
        assert connection.is_usable()

    def test_is_false_without_a_connection(self):
        connection.close()
        assert not connection.is_usable()


@pytest.mark.django_db
class TestGetNewConnection:
    def test_lets_nobody_wait_after_somebody_did(self):
        """A server that accepts and says nothing is worse than none."""
        with socket.create_server(("127.0.0.1", 0)) as silent:
            settings = {
                **connection.settings_dict,
                "HOST": "127.0.0.1",
                "PORT": str(silent.getsockname()[1]),
                "OPTIONS": {"connect_timeout": 2},
            }
            waits = []
            try:
                for _ in range(3):
                    started = time.monotonic()
                    with pytest.raises(OperationalError):
                        DatabaseWrapper(settings, "silent").ensure_connection()
                    waits.append(time.monotonic() - started)
            finally:
                DatabaseWrapper._outage_until = 0.0
        assert waits[0] < 3
        assert max(waits[1:]) < 0.1


class TestBoundStatements:
    def test_adds_its_limits_to_what_is_there(self):
        options = {"options": "-c search_path=app"}
        limits.add_to(options)
        assert options["options"].startswith("-c statement_timeout=")
        assert options["options"].endswith("-c search_path=app")
