import pytest
from django.db import DataError, connection, transaction

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
