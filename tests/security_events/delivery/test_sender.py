"""Delivery to one sink: in order, nothing lost, by one process at a time, and parked after 76 hours."""

import threading
from datetime import UTC, datetime, timedelta

import pytest
from django.db import connections

from accounts.event_types import LOGIN_SUCCEEDED
from security_events.delivery import sender, sink_rows
from security_events.delivery.kinds import DeliveryFailed
from security_events.models import SecurityEvent, Sink
from security_events.services.recording import record
from tests.factories.sinks import HOUR, make_sink, recording_kind

pytestmark = pytest.mark.django_db(transaction=True)

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)


@pytest.fixture
def kind():
    return recording_kind()


@pytest.fixture
def sink(kind):
    return make_sink("first", now=NOW)


def record_events(count):
    return [str(record(LOGIN_SUCCEEDED)) for _ in range(count)]


def event_types_after(count_before):
    return list(SecurityEvent.objects.order_by("id").values_list("type", flat=True)[count_before:])


class TestDeliver:
    def test_hands_all_events_over_in_the_order_of_the_trail_and_each_once(self, kind, sink):
        recorded = record_events(7)

        assert sender.deliver(sink.pk, now=NOW) == 7
        assert sender.deliver(sink.pk, now=NOW) == 0

        assert kind.of(sink) == recorded

    def test_goes_on_behind_what_a_kind_took(self, kind, sink):
        recorded = record_events(4)
        kind.stop_after = 1

        sender.deliver(sink.pk, now=NOW)

        assert kind.of(sink) == recorded

    def test_gives_events_again_that_a_killed_process_had_not_stored(self, kind, sink):
        recorded = record_events(2)

        def be_killed(_sink):
            raise SystemExit

        kind.during = be_killed
        with pytest.raises(SystemExit):
            sender.deliver(sink.pk, now=NOW)
        kind.during = None
        sender.deliver(sink.pk, now=NOW)

        assert kind.of(sink) == recorded

    def test_leaves_a_sink_alone_that_another_process_delivers_to(self, kind, sink):
        recorded = record_events(1)
        inside, may_end = threading.Event(), threading.Event()
        kind.during = lambda _sink: (inside.set(), may_end.wait(120))

        def other():
            sender.deliver(sink.pk, now=NOW)
            connections.close_all()

        thread = threading.Thread(target=other)
        thread.start()
        assert inside.wait(120)
        kind.during = None

        assert sender.deliver(sink.pk, now=NOW) == 0
        assert sink_rows.due_sinks(kinds=["recording"], now=NOW) == []
        may_end.set()
        thread.join()
        assert kind.of(sink) == recorded

    def test_does_not_store_progress_after_its_lease_was_lost(self, kind, sink):
        recorded = record_events(1)
        kind.during = lambda each: Sink.objects.filter(pk=each.pk).update(lease_id=each.pk)

        assert sender.deliver(sink.pk, now=NOW) == 0

        kind.during = None
        Sink.objects.update(leased_until=None)
        sender.deliver(sink.pk, now=NOW)
        assert kind.of(sink) == recorded * 2

    def test_keeps_a_position_that_an_operator_moved_back_meanwhile(self, kind, sink):
        start = (sink.transaction_id, sink.event_id)
        recorded = record_events(2)
        sender.deliver(sink.pk, now=NOW)
        record_events(1)

        def move_back(each):
            kind.during = None
            Sink.objects.filter(pk=each.pk).update(transaction_id=start[0], event_id=start[1])

        kind.during = move_back
        sender.deliver(sink.pk, now=NOW)

        assert kind.of(sink)[3:5] == recorded

    def test_survives_the_deletion_of_its_sink(self, kind, sink):
        record_events(1)
        kind.during = lambda each: Sink.objects.filter(pk=each.pk).delete()

        assert sender.deliver(sink.pk, now=NOW) == 0

    def test_sends_what_was_asked_for_to_a_disabled_sink_and_no_events(self, kind, sink):
        record_events(1)
        Sink.objects.update(open_requests=1, is_enabled=False)

        assert sink_rows.due_sinks(kinds=["recording"], now=NOW) == [sink.pk]
        sender.deliver(sink.pk, now=NOW)

        assert kind.of(sink) == ["request"]
        assert sink_rows.due_sinks(kinds=["recording"], now=NOW) == []


class TestFailures:
    def test_are_tried_again_by_the_schedule_until_the_sink_is_parked_and_then_probed(self, kind, sink):
        recorded = record_events(1)
        before = SecurityEvent.objects.count()
        kind.fail_with = DeliveryFailed("status 500")
        now, waits = NOW, []
        while not waits or sink.state != "parked":
            sender.deliver(sink.pk, now=now)
            sink.refresh_from_db()
            waits.append(sink.next_attempt_at - now)
            assert sink_rows.due_sinks(kinds=["recording"], now=sink.next_attempt_at - timedelta(seconds=1)) == []
            now = sink.next_attempt_at

        shortest = [5 / 3600, 5 / 60, 0.5, 2, 5, 10, 14, 20, 24, 1]
        assert all(hours * HOUR <= wait <= hours * 1.11 * HOUR for hours, wait in zip(shortest, waits, strict=True))
        assert sink.failing_since <= NOW + timedelta(seconds=5)
        assert event_types_after(before) == ["sink.parked"]

        sender.deliver(sink.pk, now=now)  # a probe
        assert event_types_after(before) == ["sink.parked"]
        kind.fail_with = None
        sender.deliver(sink.pk, now=now + 2 * HOUR)
        sink.refresh_from_db()
        assert (sink.state, sink.attempts, sink.failing_since, sink.last_error) == ("active", 0, None, "")
        assert kind.of(sink)[:1] == recorded
        assert event_types_after(before) == ["sink.parked", "sink.resumed"]

    def test_wait_as_long_as_the_receiver_asks_but_no_longer_than_a_day(self, kind, sink):
        record_events(1)
        kind.fail_with = DeliveryFailed("status 429", retry_after=timedelta(minutes=10))
        sender.deliver(sink.pk, now=NOW)
        sink.refresh_from_db()
        assert timedelta(minutes=10) <= sink.next_attempt_at - NOW < timedelta(minutes=11)

        kind.fail_with = DeliveryFailed("status 429", retry_after=timedelta(days=900))
        sender.deliver(sink.pk, now=sink.next_attempt_at)
        asked_at = sink.next_attempt_at
        sink.refresh_from_db()
        assert sink.next_attempt_at - asked_at < timedelta(hours=25)

    def test_of_one_sink_hold_no_other_back(self, kind, sink):
        other = make_sink("second", now=NOW)
        recorded = record_events(2)
        kind.during = lambda each: _fail() if each.name == "first" else None

        def _fail():
            raise DeliveryFailed("timeout")

        for sink_id in sink_rows.due_sinks(kinds=["recording"], now=NOW):
            sender.deliver(sink_id, now=NOW)

        assert kind.of(other) == recorded
        assert kind.of(sink) == []

    def test_keep_what_was_delivered_before(self, kind, sink):
        first, second = record_events(2)
        kind.fail_with = DeliveryFailed("status 500", delivered=1)
        sender.deliver(sink.pk, now=NOW)
        kind.fail_with = None

        sender.deliver(sink.pk, now=NOW + HOUR)

        assert first not in kind.of(sink)
        assert kind.of(sink) == [second]

    def test_disable_a_sink_that_wants_no_more(self, kind, sink):
        record_events(1)
        before = SecurityEvent.objects.count()
        kind.fail_with = DeliveryFailed("status 410", is_gone=True)

        sender.deliver(sink.pk, now=NOW)

        sink.refresh_from_db()
        assert (sink.is_enabled, sink.state) == (False, "gone")
        assert event_types_after(before) == ["sink.disabled"]
        assert sink_rows.due_sinks(kinds=["recording"], now=NOW + 100 * HOUR) == []

    def test_of_the_code_itself_are_stored_and_logged(self, kind, sink, caplog):
        record_events(1)

        def break_down(_sink):
            raise ZeroDivisionError("a secret")

        kind.during = break_down
        sender.deliver(sink.pk, now=NOW)

        sink.refresh_from_db()
        assert sink.last_error == "internal error: ZeroDivisionError"
        assert "sink_delivery_broke" in caplog.text
