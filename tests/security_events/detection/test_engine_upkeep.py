"""What detection keeps, for how long, and how far behind it is."""

from dataclasses import replace
from datetime import timedelta
from io import StringIO

import pytest
from django.core.management import call_command
from django.db import connection, transaction
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from accounts.event_types import ACCOUNT_ERASED, LOGIN_FAILED
from security_events.detection import rules
from security_events.models import DetectionFact, DetectionPosition, Incident, IncidentResponse, ShadowReport
from security_events.selectors.detection.detection_lag import detection_lag
from security_events.services import recording
from security_events.services.detection import erasure, facts
from security_events.services.detection.engine import shadowing
from security_events.types import Outcome, RuleMode, Subject
from tests.factories import detection
from tests.security_events.detection.test_engine import change, tries

pytestmark = pytest.mark.django_db(transaction=True)
DAY = 86400


def aged(days, count=1, **more):
    return [replace(each, at=each.at - days * DAY) for each in tries(count, **more)]


class TestExpiry:
    def test_deletes_facts_that_no_rule_looks_back_at(self, rule):
        detection.store([*aged(31, 3), *aged(29, 2)])
        detection.detect()
        expiry = facts.Expiry()
        assert expiry.delete(now=timezone.now()) == 3
        assert expiry.delete(now=timezone.now() + timedelta(days=2)) == 2

    def test_keeps_them_for_as_long_as_a_rule_looks_back(self, rule, monkeypatch):
        monkeypatch.setitem(rules._registered, "a_test", replace(rule, window=90 * DAY))
        detection.store(aged(60))
        detection.detect()
        assert facts.Expiry().delete(now=timezone.now()) == 0

    def test_deletes_them_with_their_events(self, rule, settings):
        settings.SECURITY_EVENTS = {**settings.SECURITY_EVENTS, "RETENTION_DAYS": 7, "RETENTION_DAYS_BY_CATEGORY": {}}
        call_command("migrate", "security_events", verbosity=0)
        detection.store([*aged(8, 2), *aged(6, 1)])
        detection.detect()
        assert facts.Expiry().delete(now=timezone.now()) == 2

    def test_goes_on_where_a_bounded_run_ended(self, rule, monkeypatch):
        monkeypatch.setattr(facts, "_BATCH", 2)
        detection.store(aged(31, 5))
        detection.detect()
        expiry = facts.Expiry()
        assert [expiry.delete(now=timezone.now(), most=2) for _ in range(4)] == [2, 2, 1, 0]

    def test_forgets_which_hours_were_reported(self, rule):
        change("a_test", RuleMode.SHADOW)
        detection.store(tries(5))
        detection.detect()
        shadowing.forget_reports(now=timezone.now())
        assert ShadowReport.objects.count() == 1
        shadowing.forget_reports(now=timezone.now() + timedelta(hours=26))
        assert not ShadowReport.objects.exists()


class TestErasure:
    def test_leaves_an_incident_without_a_person(self, rule):
        detection.store([*tries(5), *tries(5, account="omar")])
        detection.detect()
        erasure.forget(accounts=["mina"])
        assert set(DetectionFact.objects.values_list("account", flat=True)) == {"omar"}
        erased, kept = Incident.objects.order_by("subject")
        assert (erased.subject, erased.network, erased.events, erased.key[:6]) == ("", "", 5, "erased")
        assert (kept.subject, kept.key) == ("omar", "omar")
        assert set(IncidentResponse.objects.filter(incident=erased).values_list("subject", "network")) == {("", "")}
        assert "mina" not in str(list(Incident.objects.values()) + list(IncidentResponse.objects.values()))

    def test_reaches_what_a_person_did_to_others(self, rule):
        recording.record(LOGIN_FAILED, outcome=Outcome.FAILURE, actor=Subject("mina"), target=Subject("omar"))
        recording.record(LOGIN_FAILED, outcome=Outcome.FAILURE, actor=Subject("omar"), target=Subject("omar"))
        detection.detect()
        erasure.forget(accounts=["mina"])
        assert list(DetectionFact.objects.values_list("actor", "account")) == [("omar", "omar")]

    def test_looks_for_facts_by_indexes(self):
        with CaptureQueriesContext(connection) as queries:
            erasure.forget(accounts=["mina"])
        deletes = [each["sql"] for each in queries if "FROM security_events_detectionfact" in each["sql"]]
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute("SET LOCAL enable_seqscan = off")  # the table of the test is too small for an index
            for sql in deletes:
                cursor.execute(f"EXPLAIN {sql}")
                assert "Seq Scan" not in str(cursor.fetchall())
        assert len(deletes) == 2

    def test_reaches_events_that_the_worker_had_not_come_to(self, rule):
        detection.store(tries(5))
        erasure.forget(accounts=["mina"])
        recording.record(ACCOUNT_ERASED, target=Subject("mina"))
        detection.detect()
        assert not DetectionFact.objects.exists()
        assert Incident.objects.get().subject == ""


class TestRebuilding:
    def rebuild(self, *arguments):
        out = StringIO()
        call_command("rebuild_detection_facts", *arguments, stdout=out)
        return out.getvalue().strip()

    def test_makes_lost_facts_again_and_finds_nothing_in_them(self, rule):
        detection.store(tries(5))
        detection.detect()
        erased = detection.store(tries(2, account="omar"))
        recording.record(ACCOUNT_ERASED, target=Subject("omar"))
        DetectionFact.objects.all().delete()
        assert self.rebuild("--dry-run") == "7 events would be read."
        assert not DetectionFact.objects.exists()
        assert self.rebuild() == "Rules see 7 past events."
        assert self.rebuild("--days", "1") == "Rules see 7 past events."
        assert DetectionFact.objects.count() == 5
        assert not DetectionFact.objects.filter(pk__in=erased).exists()
        assert Incident.objects.get().events == 5

    def test_does_not_let_the_worker_see_an_event_twice(self, rule):
        detection.store(tries(4))
        self.rebuild()
        detection.detect()
        assert not Incident.objects.exists()
        detection.store(tries(1))
        detection.detect()
        assert Incident.objects.get().events == 5

    @pytest.mark.parametrize("days", ["0", "-3", "31", "999999999999"])
    def test_refuses_days_that_no_rule_looks_back(self, rule, days, capsys):
        with pytest.raises(SystemExit) as refused:
            call_command("rebuild_detection_facts", "--days", days)
        assert refused.value.code == 2
        assert "from 1 to 30" in capsys.readouterr().err


class TestLag:
    def test_is_that_of_the_oldest_event_that_waits(self, rule, now):
        detection.detect()
        assert detection_lag().waiting == 0
        detection.store([replace(each, at=now.timestamp() + number) for number, each in enumerate(tries(3))])
        lag = detection_lag()
        assert (lag.waiting, lag.seconds(now=now + timedelta(seconds=90)), lag.has_worker) == (3, 90, False)
        detection.detect()
        assert (detection_lag().waiting, detection_lag().seconds(now=now)) == (0, 0)
        DetectionPosition.objects.all().delete()
        assert detection_lag() is None
