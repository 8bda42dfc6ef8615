"""The figures that are counted and read: their names, what they count, and that their reading is bounded."""

import functools
import json
import os
import shutil
from datetime import timedelta

import pytest
from django.db import connection, transaction
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from accounts.models import User
from accounts.services.sign_in import password_sign_in
from cedrina.monitoring import prometheus_backend
from cedrina.monitoring.figures import exposition, row_counts
from cedrina.monitoring.figures.stored_figures import STORED_FIGURES, FigureReader, stored_figure
from security_events import event_types
from security_events.services import recording
from tests.factories.accounts import PASSWORD, UserFactory
from tests.factories.tokens import PHONE, open_session
from tests.programs import forked_programs
from tokens.errors import RefreshTokenInvalid, RefreshTokenReused
from tokens.models import Session
from tokens.services import rotation

# The names that operators write into their own dashboards: they stay.
PROMISED = {
    "cedrina_http_requests_total": {"method", "route", "status"},
    "cedrina_http_request_seconds": {"route"},
    "cedrina_sign_ins_total": {"outcome", "factor"},
    "cedrina_registrations_total": set(),
    "cedrina_refreshes_total": {"verdict"},
    "cedrina_rate_limit_decisions_total": {"policy", "outcome"},
    "cedrina_security_events_total": {"type", "severity"},
    "cedrina_risk_score": set(),
    "cedrina_incidents_open": {"severity"},
    "cedrina_hashing_queue_length": set(),
    "cedrina_hashing_seconds": set(),
    "cedrina_connection_slots_in_use": set(),
    "cedrina_jobs_waiting": {"queue"},
    "cedrina_jobs_oldest_seconds": set(),
    "cedrina_jobs_failed_total": {"task"},
    "cedrina_mail_total": {"outcome"},
    "cedrina_sockets_open": {"path"},
    "cedrina_audit_seal_age_seconds": set(),
    "cedrina_audit_unsealed_events": set(),
    "cedrina_policy_version": {"kind"},
    "cedrina_policy_age_seconds": {"kind"},
    "cedrina_signing_key_age_seconds": set(),
    "cedrina_sessions_active": set(),
    "cedrina_people_active": set(),
    "cedrina_database_errors_total": {"kind"},
    "cedrina_webhook_deliveries_total": {"sink", "outcome"},
    "cedrina_build_info": {"version"},
}


@pytest.fixture(autouse=True)
def _counted_in_memory():
    """Each test counts from 0, in the memory of its process."""
    prometheus_backend.keep_in_memory()
    yield
    prometheus_backend.keep_nothing()


def value(name, **labels):
    """Return the sum of a figure's samples with these labels."""
    exposition.forget()
    return sum(
        sample.value
        for family in exposition.families()
        for sample in family.samples
        if sample.name == name and labels.items() <= sample.labels.items()
    )


# In a process of its own: loading a server sets a server's time limits for the database, which are too short for tests.
OF_A_SERVER = """
import json
import cedrina.serving.application
import cedrina.routing
from cedrina.operations import job_failures
from cedrina_base import measures
print(json.dumps({each._declaration.name: [*each._declaration.labels] for each in measures._measures}))
"""


@functools.cache
def declared():
    code, of_server, err = forked_programs.run(["-c", OF_A_SERVER], environment=dict(os.environ))
    assert code == 0, err
    counted = {f"cedrina_{name}": set(labels) for name, labels in json.loads(of_server).items()}
    return counted | {f"cedrina_{figure.name}": set(figure.labels) for figure in STORED_FIGURES.values()}


class TestTheNames:
    def test_are_those_that_are_promised(self):
        assert PROMISED.items() <= declared().items()

    def test_have_no_label_that_a_client_could_fill(self):
        labels = set().union(*declared().values())
        assert labels <= {
            "method",
            "route",
            "status",
            "outcome",
            "factor",
            "verdict",
            "policy",
            "type",
            "severity",
            "queue",
            "task",
            "path",
            "kind",
            "sink",
            "version",
            "check",
        }


@pytest.mark.django_db(transaction=True)
class TestWhatIsCounted:
    def test_of_sign_ins_is_the_outcome(self):
        user = UserFactory(raw_password=PASSWORD)
        for password in (PASSWORD, "wrong", "wrong again"):
            try:
                password_sign_in.sign_in(name=user.username, password=password, client=PHONE, now=timezone.now())
            except password_sign_in.CredentialsInvalid:
                continue
        assert value("cedrina_sign_ins_total", outcome="succeeded", factor="password") == 1
        assert value("cedrina_sign_ins_total", outcome="refused", factor="password") == 2
        assert value("cedrina_hashing_seconds_count") == 3
        assert value("cedrina_risk_score_count") == 1

    def test_of_refreshes_is_the_verdict(self):
        now = timezone.now()
        first = open_session(now=now)
        second = rotation.rotate(presented=first.refresh_token, client=PHONE, now=now)
        rotation.rotate(presented=first.refresh_token, client=PHONE, now=now)
        rotation.rotate(presented=second.refresh_token, client=PHONE, now=now)
        with pytest.raises(RefreshTokenReused):
            rotation.rotate(presented=first.refresh_token, client=PHONE, now=now + timedelta(hours=2))
        with pytest.raises(RefreshTokenInvalid):
            rotation.rotate(presented="nonsense", client=PHONE, now=now)
        found = {verdict: value("cedrina_refreshes_total", verdict=verdict) for verdict in ("rotated", "repeated")}
        assert found == {"rotated": 2, "repeated": 1}
        assert value("cedrina_refreshes_total", verdict="reused") == 1
        assert value("cedrina_refreshes_total", verdict="invalid") == 1

    def test_of_events_is_what_was_committed(self):
        kind = event_types.RULE_CHANGED
        recording.record(kind, now=timezone.now())
        with transaction.atomic():
            recording.record(kind, now=timezone.now())
            transaction.set_rollback(True)
        assert value("cedrina_security_events_total", type=kind.id, severity=str(kind.severity)) == 1


@pytest.mark.django_db
class TestWhatIsRead:
    def test_counts_living_sessions_and_people_who_came_lately(self):
        now = timezone.now()
        open_session(now=now)
        open_session(now=now - timedelta(days=40))
        UserFactory(last_login=now - timedelta(days=3))
        UserFactory(last_login=now - timedelta(days=3), deleted_at=now)
        assert value("cedrina_sessions_active") == 1
        assert (
            value("cedrina_people_active")
            == User.objects.filter(last_login__gt=now - timedelta(days=30), deleted_at=None).count()
        )

    def test_of_a_large_table_is_what_the_planner_expects(self):
        open_session()
        with connection.cursor() as cursor:
            cursor.execute("UPDATE pg_class SET reltuples = 3000000 WHERE relname = 'tokens_session'")
        with CaptureQueriesContext(connection) as queries:
            row_counts.count_or_estimate(Session.objects.all())
        assert [query["sql"].partition(" ")[0] for query in queries] == ["SELECT", "EXPLAIN"]

    def test_leaves_out_what_fails_and_shows_the_rest(self):
        @stored_figure("unreadable", "A figure whose table is gone.")
        def unreadable(_now):
            with connection.cursor() as cursor:
                cursor.execute("SELECT 1 FROM no_such_table")

        try:
            found = {figure.name: values for figure, values in FigureReader(clock=timezone.now).read()}
        finally:
            del STORED_FIGURES["unreadable"]
        assert found["unreadable"] == {}
        assert found["sessions_active"] == {(): 0}

    def test_are_shown_when_the_files_of_the_counted_ones_are_gone(self, tmp_path):
        remove = prometheus_backend.keep_in_files(tmp_path / "figures")
        try:
            assert value("cedrina_registrations_total") == 0
            shutil.rmtree(tmp_path / "figures")
            assert value("cedrina_build_info") == 1
            (tmp_path / "figures").mkdir()
            (tmp_path / "figures" / "counter_3.db").write_bytes(b"\xff" * 64)
            assert value("cedrina_build_info") == 1
        finally:
            remove()

    def test_takes_few_statements(self):
        exposition.forget()
        with CaptureQueriesContext(connection) as queries:
            exposition.as_text()
        exposition.as_text()
        assert len(queries) <= 80
