"""The parts of psycopg and Django that database/ uses without a promise of theirs. A release may change them."""

import inspect

import psycopg
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.backends.postgresql import base
from psycopg.errors import _WaitTimeout

from cedrina.operations.job_worker import QueueTimeoutConnection


class TestPsycopg:
    def test_waits_by_a_method_with_an_interval_and_a_timeout(self):
        for connection_class in (psycopg.Connection, psycopg.AsyncConnection):
            assert list(inspect.signature(connection_class.wait).parameters) == ["self", "gen", "interval", "timeout"]

    def test_raises_its_own_error_after_the_timeout(self):
        assert issubclass(_WaitTimeout, Exception)
        assert "_WaitTimeout" in inspect.getsource(psycopg.Connection.wait)

    def test_takes_a_timeout_for_notifies(self):
        assert {"timeout", "stop_after"} <= set(inspect.signature(QueueTimeoutConnection.notifies).parameters)
        assert {"timeout", "stop_after"} <= set(inspect.signature(psycopg.AsyncConnection.notifies).parameters)


class TestDjango:
    def test_connects_by_the_module_that_the_wrapper_names(self):
        assert base.DatabaseWrapper.Database is psycopg
        assert "self.Database.connect(" in inspect.getsource(base.DatabaseWrapper.get_new_connection)

    def test_checks_connections_by_a_method(self):
        assert list(inspect.signature(base.DatabaseWrapper.is_usable).parameters) == ["self"]
        assert "is_usable()" in inspect.getsource(BaseDatabaseWrapper.close_if_health_check_failed)
