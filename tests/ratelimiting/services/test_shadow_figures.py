"""What policies in shadow mode would have refused becomes figures by the hour."""

from datetime import timedelta

import pytest

from ratelimiting.models import ShadowPeriod
from ratelimiting.services import refusal_reports, shadow_figures
from tests.ratelimiting.floods import flood
from tests.ratelimiting.policy_documents import document

pytestmark = pytest.mark.django_db


class TestShadows:
    def test_are_counted_by_hour_with_keys_and_samples(self, policies, told, now):
        policies(document(limit=1, mode="shadow"))
        flood(11, now=now)
        refusal_reports.report(now=now)
        flood(5, now=now)
        refusal_reports.report(now=now + timedelta(minutes=1))

        row = ShadowPeriod.objects.get()
        assert (row.policy, row.refused, row.began_at) == ("some", 15, now)
        assert [key["refused"] for key in row.keys.values()] == [15]
        assert row.samples[0]["route"] == "login"
        assert "203.0.113.0/24" in str(row.samples)
        assert "203.0.113.0'" not in str(row.samples)
        assert told["refused"] == []

    def test_are_reported_once_when_the_hour_is_over(self, policies, told, now):
        policies(document(limit=1, mode="shadow"))
        flood(3, now=now)
        refusal_reports.report(now=now)
        assert told["shadow_reported"] == []
        for _ in range(2):
            refusal_reports.report(now=now + timedelta(hours=1))
        assert [(event["policy"], event["refused"]) for event in told["shadow_reported"]] == [("some", 2)]


class TestPurge:
    def test_deletes_old_figures(self, now):
        for age in (1, 31):
            ShadowPeriod.objects.create(policy="some", began_at=now - timedelta(days=age))
        assert shadow_figures.purge(now=now) == 1
