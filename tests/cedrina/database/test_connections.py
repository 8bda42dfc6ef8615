"""Connections that are looked at instead of asked."""

import os
import select
import signal
import socket
import threading
import time
from contextlib import contextmanager

import pytest
from django.db import OperationalError, connection
from django.test import TransactionTestCase

from cedrina.database import timeouts
from cedrina.database.base import DatabaseWrapper, probe_database
from cedrina.database.circuit_breaker import DatabaseCircuitBreaker, circuit_breaker
from cedrina.database.connection import TimeoutConnection
from tests.programs.ports import free_port


def wait_for_the_server():
    """Wait until the server has said something on the connection, or ended it."""
    assert select.select([connection.connection.fileno()], [], [], 60)[0]


class TestIsUsable(TransactionTestCase):
    def setUp(self):
        connection.close()  # it may be older than an outage that another test noted

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
        wait_for_the_server()
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
        wait_for_the_server()
        assert connection.is_usable()

    def test_is_false_without_a_connection(self):
        connection.close()
        assert not connection.is_usable()


@pytest.fixture
def noted():
    """Let this process open its circuit, as servers do; the test says when PostgreSQL answers again."""
    answers = threading.Event()

    def probe():
        if not answers.is_set():
            raise OperationalError

    circuit_breaker.set_probe(probe)
    yield answers
    circuit_breaker.set_probe(None)
    assert until(lambda: not circuit_breaker.is_open)


def until(condition, *, seconds=60):
    deadline = time.monotonic() + seconds
    while not condition() and time.monotonic() < deadline:
        time.sleep(0.01)
    return condition()


@contextmanager
def silent_server():
    """A server that accepts and says nothing, which is worse than none."""
    with socket.create_server(("127.0.0.1", 0)) as silent:
        port = str(silent.getsockname()[1])
        yield {**connection.settings_dict, "HOST": "127.0.0.1", "PORT": port, "OPTIONS": {"connect_timeout": 2}}


@pytest.mark.django_db
class TestGetNewConnection:
    def test_makes_only_the_first_connection_wait(self, noted):
        with silent_server() as settings:
            waits = []
            for _ in range(3):
                started = time.monotonic()
                with pytest.raises(OperationalError):
                    DatabaseWrapper(settings, "silent").ensure_connection()
                waits.append(time.monotonic() - started)
        assert waits[0] > 1
        assert max(waits[1:]) < 0.5

    def test_connects_again_once_the_server_has_answered(self, noted):
        circuit_breaker.trip(connected_at=time.monotonic())
        with pytest.raises(OperationalError):
            DatabaseWrapper(connection.settings_dict, "other").ensure_connection()
        noted.set()
        assert until(lambda: not circuit_breaker.is_open)
        other = DatabaseWrapper(connection.settings_dict, "other")
        other.ensure_connection()
        other.close()

    def test_is_refused_at_once_by_a_stopped_server_and_begins_no_outage(self, noted):
        settings = {**connection.settings_dict, "HOST": "127.0.0.1", "PORT": str(free_port())}
        with pytest.raises(OperationalError):
            DatabaseWrapper(settings, "gone").ensure_connection()
        assert not circuit_breaker.is_open


class TestSilentStatement(TransactionTestCase):
    """A connection on which nothing comes any more."""

    def test_is_given_up_and_begins_an_outage(self):
        circuit_breaker.set_probe(probe_database)
        TimeoutConnection.response_timeout = 0.3
        other = connection.copy()
        try:
            with other.cursor() as cursor, pytest.raises(OperationalError):
                cursor.execute("SELECT pg_sleep(5)")
            assert other.connection.closed
            assert circuit_breaker.connections_valid_since > 0
            assert until(lambda: not circuit_breaker.is_open)
        finally:
            TimeoutConnection.response_timeout = None
            circuit_breaker.set_probe(None)
            other.close()

    def test_makes_older_connections_be_replaced(self):
        with connection.cursor() as cursor:
            cursor.execute("SELECT 1")
        assert connection.is_usable()
        circuit_breaker.set_probe(probe_database)
        try:
            circuit_breaker.trip(connected_at=time.monotonic())
            assert until(lambda: not circuit_breaker.is_open)
        finally:
            circuit_breaker.set_probe(None)
        assert not connection.is_usable()
        connection.close()
        connection.ensure_connection()
        assert connection.is_usable()


class TestOutage:
    def test_is_not_recorded_outside_of_servers(self):
        own = DatabaseCircuitBreaker()
        own.trip(connected_at=time.monotonic())
        assert not own.is_open

    def test_does_not_begin_again_for_who_waited_since_before_its_end(self):
        own, now = DatabaseCircuitBreaker(), time.monotonic()
        own.set_probe(lambda: None)
        own.trip(connected_at=now)
        assert until(lambda: not own.is_open)
        ended = own.connections_valid_since
        own.trip(connected_at=now)
        assert own.connections_valid_since == ended

    def test_of_one_process_is_seen_by_its_siblings_until_it_ends(self):
        shared = DatabaseCircuitBreaker()
        child = os.fork()
        if child == 0:
            shared.set_worker_number(1)
            shared.set_probe(signal.pause)
            shared.trip(connected_at=time.monotonic())
            signal.pause()
        try:
            assert until(lambda: shared.is_open_in_any_worker)
            assert not shared.is_open
            assert shared.connections_valid_since > 0
        finally:
            os.kill(child, signal.SIGKILL)
            os.waitpid(child, 0)
        assert shared.is_open_in_any_worker
        shared.forget_worker(1)
        assert not shared.is_open_in_any_worker


class TestBoundStatements:
    def test_adds_its_limits_to_what_is_there(self):
        options = {"options": "-c search_path=app"}
        timeouts.add_timeouts(options)
        assert options["options"].startswith("-c statement_timeout=")
        assert options["options"].endswith("-c search_path=app")
