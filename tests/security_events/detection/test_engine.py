"""The engine of detection: live findings are those of a replay, and modes, faults and floods act as stated."""

import random
from dataclasses import replace
from datetime import timedelta
from itertools import islice

import pytest
from django.db import connection
from django.utils import timezone

from security_events.detection import rules
from security_events.detection.facts import fact_from, network_range
from security_events.detection.judges import guessed_passwords, repeated
from security_events.detection.rules import RULES, GroupBy, Rule
from security_events.detection.simulation.rule_measurement import stream
from security_events.detection.windows import MemoryWindows
from security_events.models import (
    DetectionFact,
    DetectionPosition,
    Incident,
    IncidentEvent,
    IncidentResponse,
    SecurityEvent,
    ShadowCount,
    ShadowReport,
)
from security_events.selectors.trail import START, end_of_trail, events_after
from security_events.services.detection import rule_settings
from security_events.services.detection.engine import kept_windows, window_reading
from security_events.services.detection.engine.batches import DetectionWorker
from security_events.signals import response_started
from security_events.types import ResponseKind, RuleMode, Severity, Subject
from tests.factories import detection
from tests.security_events.detection.test_rules import fact

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("begun")]

FAILED = "authentication.login_failed"
OPERATOR = Subject("op", "olga")
ALL = (ResponseKind.NOTIFY, ResponseKind.STEP_UP, ResponseKind.TIGHTEN_NETWORK)


def recent(facts):
    """Move facts to the present, in their order and distances."""
    facts = sorted(facts, key=lambda each: each.at)
    shift = timezone.now().timestamp() - 60 - facts[-1].at
    return [replace(each, at=each.at + shift, ip_address=_address(each.ip_address)) for each in facts]


def _address(text):
    return text if text.count(".") in (0, 3) else f"{text}.1"


def tries(count, *, apart=1.0, **more):
    return recent([fact(number * apart, **more) for number in range(count)])


def change(rule_id, mode=None, **thresholds):
    return rule_settings.change(
        rule_id=rule_id, mode=mode, thresholds=thresholds, reason="-", actor=OPERATOR, now=timezone.now()
    ).version


def replayed(events, asked=None):
    """Return the findings of a replay: (rule, key, trigger) in their order."""
    facts = [fact_from(event.form) for event in events]
    found = MemoryWindows(tuple(asked or RULES.values())).findings(facts)
    return [(each.rule.id, each.key, each.trigger.event_id) for each in found]


class TestFindings:
    @pytest.mark.parametrize("seed", [11, 12])
    def test_are_those_of_a_replay_whatever_the_batches(self, seed, monkeypatch):
        rng = random.Random(seed)
        facts, _campaigns = stream(seed=seed, people=15, days=6, attacks=1)
        # Transactions commit in another order than that of their times.
        detection.store(sorted(recent(facts), key=lambda each: each.at + rng.random()))
        for name in RULES:
            change(name, RuleMode.SHADOW)
        monkeypatch.setattr(kept_windows, "LARGE", 5)
        if seed == 12:  # a key with so many facts is read for each rule
            monkeypatch.setattr(window_reading, "MOST_FACTS", 4)
            monkeypatch.setattr(window_reading, "LARGE", 5)
        worker = DetectionWorker(batch=60)
        while worker.advance(now=timezone.now()):
            if rng.random() < 0.1:  # other windows are kept, and other batches taken
                worker = DetectionWorker(batch=rng.choice([1, 7, 60, 500]), lease_id=worker.lease_id)

        expected = replayed(events_after(START, limit=10**6))
        assert len({name for name, _key, _trigger in expected}) >= 7
        counted = {}
        for row in ShadowCount.objects.all():
            counted[row.rule] = counted.get(row.rule, 0) + row.findings
        assert counted == {name: sum(each[0] == name for each in expected) for name in counted}
        assert counted.keys() == {name for name, _key, _trigger in expected}


class TestWindowsThatAreKept:
    """Between batches of one worker: large ones, as long as they are those of the database."""

    def test_are_read_again_when_another_worker_went_on_from_there(self, rule, monkeypatch):
        monkeypatch.setattr(kept_windows, "LARGE", 1)
        first, second = DetectionWorker(), DetectionWorker()
        for worker in (first, second, first):
            detection.store(tries(2))
            detection.detect(worker)
        assert Incident.objects.get().events == 6

    def test_are_those_of_the_rules_in_force(self, rule, monkeypatch):
        monkeypatch.setattr(kept_windows, "LARGE", 1)
        worker = DetectionWorker()
        for events in (None, 4):
            detection.store(tries(2))
            detection.detect(worker)
            if events is None:
                change("a_test", events=4)
        assert Incident.objects.get().events == 4

    def test_are_not_read_from_the_database_again(self, rule, monkeypatch):
        monkeypatch.setattr(kept_windows, "LARGE", 3)
        worker, reads = DetectionWorker(), []

        def seen(execute, sql, params, many, context):
            if "FROM security_events_detectionfact found" in sql:
                reads.append(list(params["keys"]))
            return execute(sql, params, many, context)

        with connection.execute_wrapper(seen):
            for account, count in (("mina", 3), ("omar", 2), ("mina", 1), ("omar", 1)):
                detection.store(tries(count, account=account))
                worker.advance(now=timezone.now())
        assert reads == [["mina"], ["omar"], ["omar"]]

    def test_are_bounded_together(self, rule, monkeypatch):
        monkeypatch.setattr(kept_windows, "LARGE", 1)
        monkeypatch.setattr(kept_windows, "MOST_KEPT", kept_windows.MOST_FACTS + 5)
        windows = MemoryWindows([rule])
        kept = kept_windows.KeptWindows([rule])
        for number in range(9):
            batch = [fact(number + each, account=f"person {number}") for each in range(4)]
            kept.fill(windows, batch, up_to=START)
            list(windows.findings(batch))
            kept.keep_large(windows)
        assert [windows.size(rule, f"person {number}") for number in range(9)] == [4, 4, 0, 0, 0, 0, 0, 0, 0]

    def test_give_way_when_one_grows_the_least_used_first(self, rule, monkeypatch):
        monkeypatch.setattr(kept_windows, "LARGE", 1)
        windows, kept = MemoryWindows([rule]), kept_windows.KeptWindows([rule])

        def go_on(account):
            batch = [fact(each, account=account) for each in range(4)]
            kept.fill(windows, batch, up_to=START)
            list(windows.findings(batch))
            kept.keep_large(windows)

        for account in ("mina", "omar", "mina"):
            go_on(account)
        assert [windows.size(rule, account) for account in ("mina", "omar")] == [8, 4]
        monkeypatch.setattr(kept_windows, "MOST_KEPT", 15)
        go_on("mina")
        assert [windows.size(rule, account) for account in ("mina", "omar")] == [12, 0]


class TestLongWindows:
    @pytest.fixture
    def looks(self, rule, monkeypatch):
        """Give a function that takes the events that are stored, and returns what is read: since when, how many."""
        long = replace(rule, window=30 * 86400, judge=guessed_passwords, thresholds={"failures": 5, "seconds": 300})
        monkeypatch.setitem(rules._registered, rule.id, long)
        worker, looks = DetectionWorker(), []

        def seen(execute, sql, params, many, context):
            if "FROM security_events_detectionfact found" in sql:
                at = SecurityEvent.objects.filter(type=FAILED).latest("occurred_at").occurred_at.timestamp()
                looks.extend(
                    (round((at - since) / 60), most)
                    for since, most in zip(params["since"], params["most"], strict=True)
                )
            return execute(sql, params, many, context)

        def take(*, judge=guessed_passwords):
            monkeypatch.setitem(rules._registered, rule.id, replace(long, judge=judge))
            looks.clear()
            with connection.execute_wrapper(seen):
                DetectionWorker(lease_id=worker.lease_id).advance(now=timezone.now())
            return list(looks)

        detection.store(tries(12, apart=3600))
        detection.detect(worker)
        return take

    def test_are_read_as_far_back_as_a_rule_asks_for(self, looks):
        all_ = window_reading.MOST_FACTS
        detection.store(tries(1))
        assert looks() == [(5, all_)]
        detection.store(tries(6))
        assert looks() == [(5, all_), (30 * 24 * 60, all_)]

    def test_are_read_from_the_newest_fact_on_for_a_rule_that_goes_back(self, looks):
        month = 30 * 24 * 60
        few, more = window_reading.FEW
        detection.store(tries(1))

        assert looks(judge=lambda facts, _thresholds: next(islice(reversed(facts), 1, 2)) and None) == [(month, few)]
        detection.store(tries(1))
        assert looks(judge=lambda facts, _thresholds: [*islice(reversed(facts), 5)] and None) == [
            (month, few),
            (month, more),
        ]

    def test_are_not_read_for_a_rule_that_asks_for_nothing(self, looks):
        detection.store(tries(1))

        assert looks(judge=lambda _facts, _thresholds: None) == []


class TestModes:
    def test_enforcing_opens_an_incident_with_all_events_that_led_to_it(self, rule):
        ids = detection.store(tries(7))
        detection.detect()

        incident = Incident.objects.get()
        assert (incident.rule, incident.key, incident.subject) == ("a_test", "mina", "mina")
        assert (incident.events, incident.network, incident.risk_score) == (7, "198.51.100.0/24", 73)
        assert incident.risk_reasons == [
            {
                "factor": "a_test",
                "weight": 73,
                "evidence": {"addresses": 1, "events": 7},
                "thresholds": {"addresses": 1, "events": 5},
            }
        ]
        assert sorted(IncidentEvent.objects.values_list("event_id", flat=True)) == sorted(ids)
        assert {row.kind for row in IncidentResponse.objects.all()} == set(ALL)

    def test_what_a_long_window_holds_besides_is_no_part_of_the_incident(self, rule, monkeypatch):
        monkeypatch.setitem(rules._registered, "a_test", replace(rule, window=30 * 86400))
        detection.store(tries(5, apart=86400))
        detection.detect()
        assert Incident.objects.get().events == 1

    def test_a_rule_may_name_the_facts_that_led_to_its_finding(self, rule, monkeypatch):
        def named(facts, thresholds):
            found = repeated(facts, thresholds)
            return found and replace(found, facts=facts[-2:])

        monkeypatch.setitem(rules._registered, "a_test", replace(rule, judge=named))
        ids = detection.store(tries(5))
        detection.detect()
        assert set(IncidentEvent.objects.values_list("event_id", flat=True)) == set(ids[-2:])

    def test_shadow_reports_what_enforcing_would_do_and_does_nothing(self, rule):
        version = change("a_test", RuleMode.SHADOW)
        detection.store(tries(7))
        detection.detect()
        reported = SecurityEvent.objects.get(type="detection.finding_shadowed")
        assert not Incident.objects.exists()
        assert ShadowCount.objects.get().findings == 3
        assert (reported.target_id, reported.data["rule"], reported.data["rule_version"]) == ("mina", "a_test", version)

        change("a_test", RuleMode.ENFORCE)
        detection.start_at()
        detection.detect()
        assert {row.kind for row in IncidentResponse.objects.all()} == set(reported.data["responses"])
        assert Incident.objects.get().risk_reasons[0]["evidence"] == reported.data["evidence"]

    def test_off_finds_nothing_and_on_again_knows_what_happened_meanwhile(self, rule):
        change("a_test", RuleMode.OFF)
        detection.store(tries(4))
        detection.detect()
        change("a_test", RuleMode.ENFORCE)
        detection.store(tries(1))
        detection.detect()
        assert Incident.objects.get().events == 5

    def test_thresholds_of_operators_count_from_the_next_batch(self, rule):
        worker = DetectionWorker()
        detection.store(tries(4))
        detection.detect(worker)
        version = change("a_test", events=4)
        detection.store(tries(1))
        detection.detect(worker)
        assert Incident.objects.get().rule_version == version

    def test_shadow_and_enforcement_agree_on_a_simulated_stream(self, monkeypatch):
        for name, each in list(RULES.items()):
            monkeypatch.setitem(rules._registered, name, replace(each, responses=ALL))
        facts, _campaigns = stream(seed=21, people=10, days=4, attacks=1)
        detection.store(recent(facts))
        detection.detect()
        causes = set(Incident.objects.values_list("rule", "key"))
        responses = set(IncidentResponse.objects.values_list("incident__rule", "kind"))

        for name in RULES:
            change(name, RuleMode.SHADOW)
        Incident.objects.all().delete()
        DetectionFact.objects.all().delete()
        detection.start_at()
        detection.detect()
        reports = SecurityEvent.objects.filter(type="detection.finding_shadowed")
        assert len(causes) >= 8
        assert set(ShadowReport.objects.values_list("rule", "key")) == causes
        assert {(each.data["rule"], kind) for each in reports for kind in each.data["responses"]} == responses
        assert not Incident.objects.exists()


class TestFloods:
    def test_of_one_cause_make_one_incident_one_response_of_each_kind_and_few_events(self, rule):
        before = SecurityEvent.objects.count()
        for _ in range(5):
            detection.store(tries(250, apart=0.01))
        detection.detect()
        assert Incident.objects.get().events == 1250
        assert IncidentResponse.objects.count() == len(ALL)
        assert SecurityEvent.objects.count() == before + 1250 + 1 + len(ALL)

    def test_in_shadow_make_one_event_an_hour_and_count_all(self, rule):
        change("a_test", RuleMode.SHADOW)
        detection.store(tries(300, apart=0.01))
        detection.store(tries(300, apart=0.01))
        detection.detect()
        assert sum(row.findings for row in ShadowCount.objects.all()) == 596
        assert 1 <= SecurityEvent.objects.filter(type="detection.finding_shadowed").count() <= 2  # the hour may turn

    def test_of_their_own_making_are_impossible(self, rule):
        with pytest.raises(ValueError, match="never end"):
            replace(rule, watches=frozenset({"incident.opened"}), triggers=frozenset({"incident.opened"}))

    def test_rules_that_look_at_incidents_see_them_once_they_are_committed(self, rule, monkeypatch):
        watching = replace(
            rule,
            id="after_a_test",
            watches=rule.watches | {"incident.opened"},
            judge=lambda facts, _: repeated([each for each in facts if each.type == "incident.opened"], {"events": 1}),
            thresholds={},
        )
        monkeypatch.setitem(rules._registered, watching.id, watching)
        detection.store(tries(5))
        detection.detect()
        assert {row.rule for row in Incident.objects.all()} == {"a_test"}
        detection.store(tries(1))
        detection.detect()
        assert {row.rule for row in Incident.objects.all()} == {"a_test", "after_a_test"}


class TestFaults:
    def test_in_a_judge_stop_neither_other_rules_nor_the_trail(self, rule, monkeypatch, caplog):
        def broken(facts, _thresholds):
            return {}[len(facts)]

        monkeypatch.setitem(rules._registered, "broken", replace(rule, id="broken", judge=broken))
        detection.store(tries(6))
        detection.detect()
        assert Incident.objects.get().rule == "a_test"
        assert caplog.text.count("detection_rule_failed: broken") == 1

    def test_in_a_receiver_lose_no_finding_and_the_response_is_tried_again(self, rule, caplog):
        heard = []

        def receive(*, response, **_):
            heard.append(response.kind)
            if len(heard) == 1:
                raise RuntimeError("broken")

        response_started.connect(receive)
        try:
            detection.store(tries(5))
            detection.detect()
            assert Incident.objects.get().events == 5
            assert str(heard[0]) not in IncidentResponse.objects.values_list("kind", flat=True)
            detection.store(tries(1))
            detection.detect()
        finally:
            response_started.disconnect(receive)
        assert (Incident.objects.get().events, IncidentResponse.objects.count()) == (6, len(ALL))
        assert "response_failed" in caplog.text

    def test_at_one_event_leave_it_out_and_go_on(self, rule, caplog, monkeypatch):
        ids = detection.store(tries(6))

        def of_strange_form(form):
            # As a project's database might have it after somebody changed a column.
            return fact_from({**form, "session_id": "no id"}) if form["id"] == str(ids[2]) else fact_from(form)

        monkeypatch.setattr("security_events.services.detection.facts.fact_from", of_strange_form)
        worker = DetectionWorker()
        for _ in range(20):
            worker.advance(now=timezone.now())
        assert DetectionFact.objects.count() == 5
        assert Incident.objects.get().events == 5
        assert f"detection_event_left_out: {ids[2]}" in caplog.text


class TestWhatIsNotKnown:
    def test_names_without_an_account_are_one_incident_that_is_about_nobody(self, rule):
        for number in range(4):
            detection.store(tries(5, account=f"nobody {number}", is_unknown_name=True))
        detection.detect()
        incident = Incident.objects.get()
        assert (incident.subject, incident.key, incident.events) == ("", "unknown names", 20)
        assert {row.kind for row in IncidentResponse.objects.all()} == {"tighten_network"}

    def test_truncated_addresses_are_networks(self, rule, settings):
        settings.SECURITY_EVENTS = {**settings.SECURITY_EVENTS, "TRUNCATE_IP_ADDRESSES": True}
        detection.store(tries(5, address="198.51.100.9"))
        detection.detect()
        assert Incident.objects.get().network == "198.51.100.0/24"
        assert DetectionFact.objects.values_list("ip_address", flat=True).distinct().get() == "198.51.100.0"

    def test_a_rule_by_program_names_no_network(self, rule, monkeypatch):
        monkeypatch.setitem(rules._registered, "a_test", replace(rule, group_by=GroupBy.PROGRAM))
        detection.store(tries(5))
        detection.detect()
        incident = Incident.objects.get()
        assert (incident.subject, incident.network, len(incident.key)) == ("", "", 32)
        assert not IncidentResponse.objects.exists()

    def test_events_without_an_address_and_a_program_work(self, rule):
        detection.store(tries(5, address="", program=""))
        detection.detect()
        assert (Incident.objects.get().network, DetectionFact.objects.filter(ip_address=None).count()) == ("", 5)

    def test_a_range_is_that_of_the_version(self):
        assert [network_range(each) for each in ("192.0.2.0", "2001:db8:1::", "")] == [
            "192.0.2.0/24",
            "2001:db8:1::/48",
            "",
        ]

    def test_events_that_no_rule_looks_at_are_no_facts(self, rule):
        detection.store(tries(1, type_="authentication.login_succeeded"))
        detection.detect()
        assert not DetectionFact.objects.exists()


class TestTheFirstStart:
    def test_makes_facts_of_the_past_weeks_and_finds_nothing_in_them(self, rule):
        DetectionPosition.objects.all().delete()
        detection.store([replace(each, at=each.at - 40 * 86400) for each in tries(3)])
        detection.store(tries(4))
        worker = DetectionWorker()
        assert worker.advance(now=timezone.now()) == 0  # it makes the row
        assert 0 < DetectionPosition.objects.get().judged_from <= end_of_trail().transaction_id
        detection.store(tries(1, account="omar"))
        detection.detect(worker)
        assert DetectionFact.objects.filter(account="mina", at__gt=timezone.now() - timedelta(days=1)).count() == 4
        assert not Incident.objects.exists()
        detection.store(tries(1))
        detection.detect(worker)
        assert Incident.objects.get().events == 5  # it looks back at what was there before

    def test_on_an_empty_trail_begins_with_the_next_event(self, rule):
        DetectionPosition.objects.all().delete()
        worker = DetectionWorker()
        worker.advance(now=timezone.now())
        detection.store(tries(5))
        detection.detect(worker)
        assert Incident.objects.exists()
