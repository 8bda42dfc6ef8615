import pytest
from django.db import DataError, connection, transaction
from django.db.transaction import TransactionManagementError

from cedrina_base.prepared_statements import prepared_cursor, run_frequent


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


@pytest.mark.django_db
class TestRunFrequent:
    def test_returns_the_rows_of_each_run(self):
        statement = "SELECT number, %(text)s FROM generate_series(1, %(last)s) AS number"
        assert run_frequent(statement, {"text": "a", "last": 2}) == [(1, "a"), (2, "a")]
        assert run_frequent(statement, {"text": "b", "last": 0}) == []
        assert run_frequent(statement, {"text": "c", "last": 1}) == [(1, "c")]

    def test_reads_other_types_after_parameters_of_other_types(self):
        assert run_frequent("SELECT %(value)s", {"value": 1}) == [(1,)]
        assert run_frequent("SELECT %(value)s", {"value": "text"}) == [("text",)]
        assert run_frequent("SELECT %(value)s", {"value": None}) == [(None,)]

    def test_runs_in_the_transaction_of_django(self):
        with connection.cursor() as cursor:
            cursor.execute("SELECT txid_current()")
            assert run_frequent("SELECT txid_current()", {}) == cursor.fetchall()

    def test_goes_on_after_an_error_that_django_converts(self):
        statement = "SELECT 1 / %(by)s"
        for _time in range(2):
            with pytest.raises(DataError), transaction.atomic():
                run_frequent(statement, {"by": 0})
        assert run_frequent(statement, {"by": 1}) == [(1,)]

    def test_is_counted_with_other_queries(self, django_assert_num_queries):
        with django_assert_num_queries(2):
            run_frequent("SELECT 1", {})
            run_frequent("SELECT 1", {})

    def test_refuses_to_go_on_in_a_broken_transaction(self):
        with transaction.atomic():
            transaction.set_rollback(True)
            with pytest.raises(TransactionManagementError):
                run_frequent("SELECT %(number)s", {"number": 1})

    def test_reads_times_as_django_does(self):
        statement = "SELECT '2026-01-02 03:04:05.678901+02'::timestamptz"
        with connection.cursor() as cursor:
            cursor.execute(statement)
            expected = cursor.fetchone()
        (found,) = run_frequent(statement, {})
        assert found == expected
        assert found[0].tzinfo is expected[0].tzinfo


@pytest.mark.django_db(transaction=True)
class TestKeptCursors:
    def test_belong_to_one_connection(self):
        statement = "SELECT pg_backend_pid()"
        before = run_frequent(statement, {})
        assert run_frequent(statement, {}) == before
        connection.close()
        assert run_frequent(statement, {}) != before

    def test_are_as_many_as_there_are_statements(self):
        for number in (1, 2, 1, 2):
            run_frequent(f"SELECT {number}", {})
        _, cursors = connection.cedrina_kept_cursors
        assert {"SELECT 1", "SELECT 2"} <= set(cursors)
        kept = dict(cursors)
        run_frequent("SELECT 1", {})
        assert cursors == kept
