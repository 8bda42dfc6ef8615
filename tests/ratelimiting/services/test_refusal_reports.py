"""Refusals become few events."""

from datetime import timedelta

import pytest
from django.core.cache import cache

from ratelimiting.models import ShadowPeriod
from ratelimiting.services import active_policies, enforcement, refusal_reports, shadow_figures
from ratelimiting.services.levels import levels_for_request
from ratelimiting.types import RequestAttributes
from tests.ratelimiting.floods import flood
from tests.ratelimiting.policy_documents import document

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def nobody_told_before():
    cache.clear()


class TestRefusals:
    def test_of_one_key_and_window_are_one_event_with_their_number(self, policies, told, now):
        policies(document(limit=1))
        flood(101, now=now)
        refusal_reports.report(now=now)
        flood(50, now=now)
        refusal_reports.report(now=now + timedelta(seconds=30))
        assert [(event["policy"], event["refusals"]) for event in told["refused"]] == [("some", 100)]
        assert told["refused"][0]["parts"] == {"ip": "203.0.113.0/24"}

        cache.clear()  # what processes tell each other is over too
        refusal_reports.report(now=now + timedelta(seconds=61))
        assert [event["refusals"] for event in told["refused"]] == [100, 50]

    def test_of_many_keys_share_an_event(self, policies, told, now):
        policies(document(limit=1, scope=["ip"]))
        flood(400, now=now, addresses=200)
        refusal_reports.report(now=now)
        assert len(told["refused"]) == refusal_reports.MOST_KEYS + 1
        assert sum(event["refusals"] for event in told["refused"]) == 200

    def test_are_deleted_when_no_more_refusals_come(self, policies, told, now):
        policies(document(limit=1))
        flood(2, now=now)
        refusal_reports.report(now=now)
        refusal_reports.report(now=now + timedelta(hours=3))
        assert refusal_reports._pending.refused == {}

    def test_cost_no_statement_while_they_happen(self, policies, now, django_assert_num_queries):
        policies(document(limit=1))
        with django_assert_num_queries(0):
            flood(50, now=now)


class TestDefer:
    def test_is_kept_when_it_fails(self, now):
        outcomes = iter([ZeroDivisionError, None])

        def act():
            failure = next(outcomes)
            if failure:
                raise failure

        refusal_reports.defer(act=act)
        with pytest.raises(ZeroDivisionError):
            refusal_reports.report(now=now)
        refusal_reports.report(now=now)
        assert not refusal_reports._pending.deferred

    def test_is_done_by_the_next_flush(self, now):
        done = []
        refusal_reports.defer(act=lambda: done.append(1))
        assert done == []
        refusal_reports.report(now=now)
        assert done == [1]
