"""What the serving role may do with each table that there is, and the jobs of the background worker done by it."""

from contextlib import contextmanager
from datetime import timedelta

import pytest
from django.apps import apps
from django.contrib.sessions.backends.db import SessionStore
from django.db import connection
from django.utils import timezone

from accounts.errors import CredentialsInvalid
from accounts.services.passwords import attempts
from accounts.services.profile import erasure
from accounts.services.profile import purging as accounts_purging
from accounts.services.sign_in.password_sign_in import record_refusal
from cedrina.database import privileges
from ratelimiting.services import shadow_figures
from security_events.models import TRAIL_TABLES
from security_events.services import deduplication, partitions
from security_events.services.retention import purging as retention
from security_events.services.trail import restored_trail
from tests.factories.accounts import UserFactory
from tests.factories.registrations import PendingRegistrationFactory
from tests.factories.tokens import open_session
from tokens.services import purging

pytestmark = [pytest.mark.django_db, pytest.mark.attack("OWASP ASVS 5.0, 13.2.2")]
ROLE = "cedrina_serving_rights_test"
RETENTION_TABLES = [f"security_events_retention_{name}" for name in ("permit", "progress", "purge", "term")]
ALL = ["DELETE", "INSERT", "SELECT", "UPDATE"]
# All that is less than everything: what was recorded stays as it is, and so does what was migrated.
LESS = {
    **{key: ["INSERT", "SELECT"] for key in [partitions.PARENT, *TRAIL_TABLES]},
    **{key: ["SELECT"] for key in ["django_migrations", *RETENTION_TABLES]},
}
LATER = timedelta(days=400)

PARTITIONS = "SELECT relid::regclass::text FROM pg_partition_tree(%s) WHERE level > 0"
RIGHTS = """
SELECT right_name FROM unnest(ARRAY['SELECT', 'INSERT', 'UPDATE', 'DELETE', 'TRUNCATE', 'REFERENCES', 'TRIGGER'])
    right_name WHERE has_table_privilege(%s, %s, right_name) ORDER BY 1
"""


@pytest.fixture(autouse=True)
def role(db):
    with connection.cursor() as cursor:
        cursor.execute(f"CREATE ROLE {ROLE} NOLOGIN")
    privileges.adjust_privileges(role=ROLE)


def tables():
    """Return the tables of all models, those that only join two of them too, and whatever else migrations made."""
    of_models = {model._meta.db_table for model in apps.get_models(include_auto_created=True)}
    with connection.cursor() as cursor:
        return of_models | set(connection.introspection.table_names(cursor))


def rights(table):
    with connection.cursor() as cursor:
        cursor.execute(RIGHTS, [ROLE, table])
        return [name for (name,) in cursor.fetchall()]


@contextmanager
def serving():
    with connection.cursor() as cursor:
        cursor.execute(f"SET LOCAL ROLE {ROLE}")
        yield
        cursor.execute("RESET ROLE")


class TestEveryTable:
    def test_is_served_and_only_the_trail_and_the_migrations_are_less_open(self):
        found = {table: rights(table) for table in tables()}

        assert {table: granted for table, granted in found.items() if granted != ALL} == LESS
        assert {"accounts_pendingregistration", "tokens_refreshkeyepoch", "security_events_minutecount"} <= set(found)

    def test_that_is_a_partition_of_the_trail_is_not_touched(self):
        with connection.cursor() as cursor:
            cursor.execute(
                "SELECT relid::regclass::text FROM pg_partition_tree(%s) WHERE level > 0", [partitions.PARENT]
            )
            names = [name for (name,) in cursor.fetchall()]

        assert names
        assert {name: rights(name) for name in names} == {name: [] for name in names}


class TestTheWorker:
    def test_does_its_jobs_by_the_rights_of_serving(self, events):
        now = timezone.now()  # once: the two refusals are of one minute
        later = now + LATER
        UserFactory(deleted_at=timezone.now())
        PendingRegistrationFactory()
        open_session(user=UserFactory())

        with serving():
            for _ in range(2):
                record_refusal(CredentialsInvalid(), user=None, name="nobody", now=now)
            partitions.ensure(now=later)
            deduplication.record_counts(now=later)
            purged = accounts_purging.purge_expired(now=later)
            sessions = purging.purge_expired(now=later)
            erased = erasure.erase_due(now=later)
            shadow_figures.purge(now=later)
            retention.purge(now=later)
            restored_trail.continue_after_restore(now=later)
            attempts.purge(now=later)
            attempts.record_expired_locks(now=later)
            SessionStore.clear_expired()

        assert events("authentication.login_failed").count() == 2
        assert (purged["pendingregistration"], sessions.sessions, erased) == (1, 1, 1)
