"""The loop that finds sinks: within a second of a commit, several processes at once, through an outage."""

import threading
import time
from contextlib import contextmanager
from datetime import UTC, datetime

import pytest
from django.db import connections

from accounts.event_types import LOGIN_SUCCEEDED
from security_events.delivery.dispatcher import Dispatcher
from security_events.services.recording import record
from tests.factories.sinks import make_sink, recording_kind
from tests.programs.busy import Lateness

pytestmark = pytest.mark.django_db(transaction=True)

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)


@contextmanager
def running(count):
    dispatchers = [Dispatcher() for _ in range(count)]
    threads = [threading.Thread(target=_run, args=(each,)) for each in dispatchers]
    for thread in threads:
        thread.start()
    try:
        yield
    finally:
        for dispatcher in dispatchers:
            dispatcher.stop()
        for thread in threads:
            thread.join(30)


def _run(dispatcher):
    dispatcher.run()
    connections.close_all()


def wait_until(condition, seconds=20):
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "nothing was delivered"
        time.sleep(0.01)


def test_two_processes_deliver_each_event_once_and_in_order():
    kind = recording_kind()
    sinks = [make_sink(f"sink {number}", now=NOW) for number in range(3)]
    with running(2):
        recorded = [str(record(LOGIN_SUCCEEDED)) for _ in range(40)]
        wait_until(lambda: len(kind.taken) >= 120)

    assert [kind.of(sink) for sink in sinks] == [recorded] * 3


def test_an_event_is_delivered_within_about_a_second_of_its_commit():
    kind = recording_kind()
    sink = make_sink("sink", now=NOW)
    with running(1), Lateness() as lateness:
        began = time.monotonic()
        recorded = str(record(LOGIN_SUCCEEDED))
        wait_until(lambda: kind.of(sink) == [recorded])
        took = time.monotonic() - began

    assert took < 1 + lateness.allowance


def test_one_slow_sink_holds_no_other_back():
    kind = recording_kind()
    slow, quick = make_sink("slow", now=NOW), make_sink("quick", now=NOW)
    may_end = threading.Event()
    kind.during = lambda sink: may_end.wait(120) if sink.name == "slow" else None
    with running(1):
        recorded = [str(record(LOGIN_SUCCEEDED)) for _ in range(5)]
        wait_until(lambda: kind.of(quick) == recorded)
        assert kind.of(slow) == []
        may_end.set()
        wait_until(lambda: kind.of(slow) == recorded)
