"""What a person reads when the database refuses: judged by the answers of a real PostgreSQL."""

import os
from urllib.parse import urlsplit

import psycopg
import pytest
from django.db import ProgrammingError, connection, transaction
from django.test import override_settings

from cedrina.database.faults import MAKE_RUN_IS_NOT_RUNNING, database_fault

SECRET = "geheimes-kennwort"


def refused(**changes):
    """Return the error of a connection to the tests' server with something wrong."""
    parts = urlsplit(os.environ["DATABASE_URL"])
    right = {"host": parts.hostname, "port": parts.port, "user": parts.username, "password": parts.password}
    with pytest.raises(psycopg.OperationalError) as caught:
        psycopg.connect(**{**right, "dbname": parts.path[1:], "connect_timeout": 2, **changes})
    return caught.value


class TestDatabaseFault:
    @pytest.mark.parametrize(
        ("changes", "sentence"),
        [
            ({"password": SECRET}, "The database refuses the role or the password of DATABASE_URL; correct them."),
            ({"user": "nobody_at_all"}, "The database refuses the role"),
            ({"dbname": "no_such"}, "The database that DATABASE_URL names does not exist; create it, or correct"),
            ({"port": 1}, "The database at "),
            ({"host": f"{SECRET}.invalid"}, "The database does not answer; start it, or correct DATABASE_URL."),
        ],
    )
    def test_says_what_to_do_and_no_secret(self, changes, sentence):
        said = database_fault(refused(**changes))
        assert said.startswith(sentence)
        assert "\n" not in said
        assert SECRET not in said

    @pytest.mark.django_db
    @pytest.mark.parametrize("statement", ["SELECT * FROM no_such_table", "SELECT no_such_column FROM accounts_user"])
    def test_knows_a_schema_that_is_not_migrated(self, statement):
        with pytest.raises(ProgrammingError) as caught, transaction.atomic(), connection.cursor() as cursor:
            cursor.execute(statement)
        assert database_fault(caught.value) == "The database has not the schema of this code; run `manage.py migrate`."

    @pytest.mark.django_db
    def test_leaves_bugs_to_their_traceback(self):
        with pytest.raises(ProgrammingError) as caught, transaction.atomic(), connection.cursor() as cursor:
            cursor.execute("SELEKT 1")
        assert database_fault(caught.value) is None
        assert database_fault(ValueError("x")) is None

    @override_settings(IS_DATABASE_NAMED=False)
    @pytest.mark.parametrize("changes", [{"port": 1}, {"password": SECRET}, {"dbname": "no_such"}])
    def test_names_make_run_where_no_database_was_named(self, changes):
        assert database_fault(refused(**changes)) == MAKE_RUN_IS_NOT_RUNNING
