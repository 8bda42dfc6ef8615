"""Connections that are looked at instead of asked."""

import os
import signal
import socket
import threading
import time
from contextlib import contextmanager

import pytest
from django.db import OperationalError, connection
from django.test import TransactionTestCase

from cedrina.database import limits
from cedrina.database.base import DatabaseWrapper, reach
from cedrina.database.driver import PatientConnection
from cedrina.database.outage import Outage, outage
from tests.ports import free_port


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


@pytest.fixture
def noted():
    """Let this process note outages, as servers do; the test says when PostgreSQL answers again."""
    answers = threading.Event()

    def reach():
        if not answers.is_set():
            raise OperationalError

    outage.watch(reach)
    yield answers
    outage.watch(None)
    assert until(lambda: not outage.is_on)


def until(condition, *, seconds=10):
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
    def test_lets_nobody_wait_after_somebody_did(self, noted):
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
        outage.begin(since=time.monotonic())
        with pytest.raises(OperationalError):
            DatabaseWrapper(connection.settings_dict, "other").ensure_connection()
        noted.set()
        assert until(lambda: not outage.is_on)
        other = DatabaseWrapper(connection.settings_dict, "other")
        other.ensure_connection()
        other.close()

    def test_is_refused_at_once_by_a_server_that_is_gone_and_begins_no_outage(self, noted):
        settings = {**connection.settings_dict, "HOST": "127.0.0.1", "PORT": str(free_port())}
        with pytest.raises(OperationalError):
            DatabaseWrapper(settings, "gone").ensure_connection()
        assert not outage.is_on


class TestSilentStatement(TransactionTestCase):
    """A connection on which nothing comes any more."""

    def test_is_given_up_and_begins_an_outage(self):
        outage.watch(reach)
        PatientConnection.patience = 0.3
        other = connection.copy()
        try:
            with other.cursor() as cursor, pytest.raises(OperationalError):
                cursor.execute("SELECT pg_sleep(5)")
            assert other.connection.closed
            assert outage.stale_before > 0
            assert until(lambda: not outage.is_on)
        finally:
            PatientConnection.patience = None
            outage.watch(None)
            other.close()

    def test_makes_older_connections_be_replaced(self):
        with connection.cursor() as cursor:
            cursor.execute("SELECT 1")
        assert connection.is_usable()
        outage.watch(reach)
        try:
            outage.begin(since=time.monotonic())
            assert until(lambda: not outage.is_on)
        finally:
            outage.watch(None)
        assert not connection.is_usable()
        connection.close()
        connection.ensure_connection()
        assert connection.is_usable()


class TestOutage:
    def test_is_not_noted_where_nobody_serves(self):
        own = Outage()
        own.begin(since=time.monotonic())
        assert not own.is_on

    def test_does_not_begin_again_for_who_waited_since_before_its_end(self):
        own, now = Outage(), time.monotonic()
        own.watch(lambda: None)
        own.begin(since=now)
        assert until(lambda: not own.is_on)
        ended = own.stale_before
        own.begin(since=now)
        assert own.stale_before == ended

    def test_of_one_process_is_seen_by_its_siblings_until_it_ends(self):
        shared = Outage()
        child = os.fork()
        if child == 0:
            shared.use_cell(1)
            shared.watch(signal.pause)
            shared.begin(since=time.monotonic())
            signal.pause()
        try:
            assert until(lambda: shared.is_on_anywhere)
            assert not shared.is_on
            assert shared.stale_before > 0
        finally:
            os.kill(child, signal.SIGKILL)
            os.waitpid(child, 0)
        assert shared.is_on_anywhere
        shared.clear_cell(1)
        assert not shared.is_on_anywhere


class TestBoundStatements:
    def test_adds_its_limits_to_what_is_there(self):
        options = {"options": "-c search_path=app"}
        limits.add_to(options)
        assert options["options"].startswith("-c statement_timeout=")
        assert options["options"].endswith("-c search_path=app")
