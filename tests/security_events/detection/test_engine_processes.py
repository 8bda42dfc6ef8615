"""Processes that detect: killed at each statement, several at once, and told of changed rules."""

import os
import signal
import threading
import time
from contextlib import contextmanager
from datetime import timedelta

import pytest
from django.db import connection, connections
from django.utils import timezone

from security_events.models import (
    DetectionFact,
    DetectionPosition,
    Incident,
    IncidentEvent,
    IncidentResponse,
    SecurityEvent,
)
from security_events.selectors.trail import START
from security_events.services.detection import rule_settings
from security_events.services.detection.engine import loop, position
from security_events.services.detection.engine.batches import DetectionWorker
from security_events.types import RuleMode
from tests.factories import detection
from tests.programs.busy import Lateness
from tests.security_events.detection.test_engine import ALL, change, tries

pytestmark = [
    pytest.mark.usefixtures("begun"),
    pytest.mark.django_db(transaction=True),
    pytest.mark.filterwarnings("ignore:This process:DeprecationWarning"),
]


@contextmanager
def forked(work):
    """Run a function in a process of its own, which is killed at the end."""
    connections.close_all()  # so that it doesn't inherit this process's connection
    pid = os.fork()
    if pid == 0:
        try:
            work()
        finally:
            os._exit(0)
    ended = []

    def wait():
        ended.append(os.waitpid(pid, 0)[1])
        return ended[0]

    try:
        yield wait
    finally:
        if not ended:
            os.kill(pid, signal.SIGKILL)
            os.waitpid(pid, 0)


def die_at(number):
    """Return an execute wrapper that ends the process in front of a statement."""
    seen = []

    def wrapper(execute, sql, params, many, context):
        seen.append(sql)
        if len(seen) == number:
            os.kill(os.getpid(), signal.SIGKILL)
        return execute(sql, params, many, context)

    return wrapper


def expire_lease():
    DetectionPosition.objects.update(leased_until=timezone.now() - timedelta(seconds=1))


class TestAKilledProcess:
    def test_loses_nothing_and_does_nothing_twice_whatever_the_statement(self, rule):
        detection.store(tries(7))

        def work():
            with connection.execute_wrapper(die_at(number)):
                DetectionWorker().advance(now=timezone.now())

        number, was_killed = 0, True
        while was_killed:
            number += 1
            with forked(work) as wait:
                was_killed = os.WIFSIGNALED(wait())
            assert (DetectionFact.objects.count() == 7) is Incident.objects.exists()
            expire_lease()
        assert number > 15
        assert DetectionFact.objects.count() == 7
        assert (Incident.objects.get().events, IncidentEvent.objects.count()) == (7, 7)
        assert IncidentResponse.objects.count() == len(ALL)
        types = list(SecurityEvent.objects.values_list("type", flat=True))
        assert (types.count("incident.opened"), types.count("incident.response_started")) == (1, len(ALL))

    def test_is_replaced_when_its_lease_is_over(self, rule):
        first, second = DetectionWorker(), DetectionWorker()
        first.advance(now=timezone.now())
        detection.store(tries(5))
        assert second.advance(now=timezone.now()) == 0
        assert (first.has_position, second.has_position) == (True, False)
        expire_lease()
        assert second.advance(now=timezone.now()) == 5
        assert first.advance(now=timezone.now()) == 0
        assert position.LEASE_SECONDS <= 5

    def test_that_comes_back_stores_nothing_of_what_another_one_has_done(self, rule):
        late, other = DetectionWorker(), DetectionWorker()
        late.advance(now=timezone.now())
        expire_lease()
        other.advance(now=timezone.now())
        assert not position.advance(START, START, lease_id=late.lease_id, now=timezone.now())
        moved = START._replace(transaction_id=5)
        assert not position.advance(moved, moved, lease_id=other.lease_id, now=timezone.now())
        assert position.advance(START, moved, lease_id=other.lease_id, now=timezone.now())


class TestSeveralWorkers:
    def test_that_take_the_lease_from_each_other_find_each_attack_once(self, rule):
        stop = threading.Event()

        def work():
            worker = DetectionWorker(batch=20)
            while not stop.is_set():
                expire_lease()
                worker.advance(now=timezone.now())
            connections.close_all()

        threads = [threading.Thread(target=work) for _ in range(3)]
        for thread in threads:
            thread.start()
        stored = []
        for number in range(10):
            stored += detection.store(tries(10, account=f"person-{number % 2}"))
        deadline = time.monotonic() + 60
        while DetectionFact.objects.count() < 100 and time.monotonic() < deadline:
            time.sleep(0.01)
        stop.set()
        for thread in threads:
            thread.join()
        assert [row.events for row in Incident.objects.all()] == [50, 50]
        assert set(IncidentEvent.objects.values_list("event_id", flat=True)) == set(stored)
        assert SecurityEvent.objects.filter(type="incident.opened").count() == 2


class TestTheLoop:
    def test_acts_and_follows_changes_of_rules_within_two_seconds(self, rule):
        with forked(lambda: loop.DetectionLoop().run()), Lateness() as lateness:
            took = [self.seconds_until(Incident.objects.exists, lambda: detection.store(tries(5)))]
            change("a_test", RuleMode.SHADOW)
            changed = time.monotonic()
            shadowed = SecurityEvent.objects.filter(type="detection.finding_shadowed")
            took.append(self.seconds_until(shadowed.exists, lambda: detection.store(tries(5, account="omar"))))
            took.append(time.monotonic() - changed)
        assert Incident.objects.count() == 1
        assert max(took) < 2 + lateness.allowance

    def seconds_until(self, condition, act):
        act()
        began = time.monotonic()
        while not condition():
            assert time.monotonic() - began < 30
            time.sleep(0.01)
        return time.monotonic() - began

    def test_ends_when_it_is_told_to_and_leaves_the_position_to_others(self, rule):
        running = loop.DetectionLoop()
        thread = threading.Thread(target=running.run)
        thread.start()
        detection.store(tries(5))
        self.seconds_until(Incident.objects.exists, lambda: None)
        running.stop()
        thread.join(20)
        assert not thread.is_alive()
        assert DetectionPosition.objects.get().lease_id is None
