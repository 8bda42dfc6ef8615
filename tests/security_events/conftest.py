"""What tests of security events share."""

from contextlib import contextmanager

import psycopg
import pytest
from django.db import DatabaseError, transaction

from tests.security_events.verifier import judge


@pytest.fixture
def refused():
    """Expect that the database refuses a change for being one, as `with refused():`."""

    @contextmanager
    def refuse():
        with pytest.raises(DatabaseError, match="append-only") as caught, transaction.atomic():
            yield
        assert isinstance(caught.value.__cause__, psycopg.errors.InsufficientPrivilege)

    return refuse


@pytest.fixture(scope="session")
def go_judge(tmp_path_factory):
    """The judge in Go, compiled once a process."""
    judge.require_go()
    return judge.build(judge.FOLDER, tmp_path_factory.mktemp("go"))
