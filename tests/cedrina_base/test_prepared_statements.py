import pytest
from django.db import DataError, connection, transaction
from django.db.transaction import TransactionManagementError

from cedrina_base.prepared_statements import prepared_cursor


@pytest.mark.django_db
class TestPreparedCursor:
    def test_runs_in_the_transaction_of_django(self):
        with connection.cursor() as cursor:
            cursor.execute("SELECT txid_current()")
            (current,) = cursor.fetchone()

        with prepared_cursor() as cursor:
            cursor.execute("SELECT txid_current(), %s", ["given"])
            assert cursor.fetchone() == (current, "given")

    def test_raises_the_errors_of_django(self):
        with pytest.raises(DataError), transaction.atomic(), prepared_cursor() as cursor:
            cursor.execute("SELECT 1 / %s", [0])

    def test_is_counted_with_other_queries(self, django_assert_num_queries):
        with django_assert_num_queries(1), prepared_cursor() as cursor:
            cursor.execute("SELECT 1")

    def test_refuses_to_go_on_in_a_broken_transaction(self):
        with transaction.atomic():
            transaction.set_rollback(True)
            with pytest.raises(TransactionManagementError), prepared_cursor() as cursor:
                cursor.execute("SELECT %s", [1])

    def test_runs_the_wrappers_that_django_runs(self):
        seen = []

        def record(execute, sql, *rest):
            seen.append(sql)
            return execute(sql, *rest)

        with connection.execute_wrapper(record), prepared_cursor() as cursor:
            cursor.execute("SELECT %s", [1])
        assert seen == ["SELECT %s"]

    def test_reads_times_as_django_does(self):
        statement = "SELECT '2026-01-02 03:04:05.678901+02'::timestamptz"
        with connection.cursor() as cursor:
            cursor.execute(statement)
            expected = cursor.fetchone()

        with prepared_cursor() as cursor:
            cursor.execute(statement)
            found = cursor.fetchone()
        assert found == expected
        assert found[0].tzinfo is expected[0].tzinfo
