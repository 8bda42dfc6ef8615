"""What sign-ins teach: counts as in memory, bounded whatever an attacker sends, and pruned."""

import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
from django.db import connections, transaction
from django.utils import timezone

from security_events.detection import rules
from security_events.detection.client_levels import FEATURES, paths
from security_events.detection.client_records import client_from, client_of, sign_in_client
from security_events.detection.commonness import CountedClients
from security_events.models import ClientCount, DetectionFact
from security_events.selectors.detection.sign_in_history import commonness_of, history_of, newest_risks
from security_events.services.detection import client_counts
from security_events.services.detection.facts import Expiry
from tests.factories.sign_ins import ABROAD, CHROME, FIREFOX, HOME, form_of, learn, past_sign_ins

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def known_rules():
    rules.load()


def history(account="mina", now=None):
    found = history_of(account=account, network="", account_rules=[], network_rules=[], now=now or timezone.now())
    return found.sign_ins


class TestCounts:
    def test_are_those_in_memory(self):
        now, counted = timezone.now(), CountedClients()
        forms = [
            form_of(f"person-{number % 7}", at=now - timedelta(days=number), address=address, user_agent=agent)
            for number, (address, agent) in enumerate(
                [(f"192.0.2.{n % 5}", FIREFOX) for n in range(9)]
                + [(f"198.51.{n}.1", f"Example/{n}") for n in range(6)]
            )
        ]
        learn(*forms[:4])
        learn(*forms[4:])
        for form in forms:
            counted.add(client_from(sign_in_client(form)))

        for form in forms:
            client = client_from(sign_in_client(form))
            stored = commonness_of(client)
            for feature in FEATURES:
                for path in [(), *(path for _level, path in paths(feature, client))]:
                    assert stored.count(feature, path) == counted.count(feature, path)
                    assert stored.distinct(feature, path) == counted.distinct(feature, path)

    def test_learn_a_fact_once(self):
        form = form_of("mina", at=timezone.now())
        learn(form)
        learn(form)
        assert max(ClientCount.objects.values_list("sign_ins", flat=True)) == 1

    def test_learn_no_more_than_some_sign_ins_a_day_of_an_account(self):
        now = timezone.now()
        learn(*(form_of("mallory", at=now - timedelta(minutes=n), user_agent=f"Bot{n}x/1") for n in range(30, 0, -1)))
        learn(*(form_of("mallory", at=now, user_agent=f"Other{n}x/1") for n in range(30)))

        assert DetectionFact.objects.filter(account="mallory").count() == 60
        assert DetectionFact.objects.filter(client__isnull=False).count() == client_counts.MOST_A_DAY
        assert max(ClientCount.objects.values_list("sign_ins", flat=True)) == client_counts.MOST_A_DAY

    def test_learn_nothing_from_failures_and_suspects(self):
        learn(form_of("mina", at=timezone.now(), choice="step_up"))
        learn({**form_of("mina", at=timezone.now()), "outcome": "failure"})
        assert not ClientCount.objects.exists()

    def test_are_halved_and_forget_what_was_seen_once(self, monkeypatch):
        monkeypatch.setattr(client_counts, "MOST_ROWS", 25)
        past_sign_ins("mina", days=8)
        learn(*(form_of(f"p{n}", at=timezone.now(), address=f"198.51.100.{n}", user_agent=CHROME) for n in range(30)))
        before = ClientCount.objects.count()

        deleted = client_counts.prune()

        assert before - deleted == ClientCount.objects.count() <= 25
        home = commonness_of(client_of(ip_address=HOME, user_agent=FIREFOX))
        assert home.count("place", ()) in (9, 19)  # 38 sign-ins, halved once or twice
        for row in ClientCount.objects.all():
            assert row.distinct == ClientCount.objects.filter(parent=row.path).count()
        assert client_counts.prune() == 0


class TestHistory:
    def test_counts_one_client_once_a_day_and_is_in_the_order_of_time(self):
        past_sign_ins("mina", days=3)
        noon = (timezone.now() - timedelta(days=10)).replace(hour=12, minute=0)
        learn(*(form_of("mina", at=noon + timedelta(minutes=n)) for n in range(15)))

        found = history()

        assert len(found) == 4
        assert [past.at for past in found] == sorted(past.at for past in found)

    def test_is_not_replaced_by_a_thief_who_signs_in_again_and_again(self):
        past_sign_ins("mina", days=12)
        now = timezone.now()
        for hour in range(5):
            learn(
                *(
                    form_of("mina", at=now - timedelta(minutes=60 * hour + n), address=ABROAD, user_agent=f"B{n}x/1")
                    for n in range(60)
                )
            )

        assert sum(past.client.ip_address == HOME for past in history()) == 12

    def test_trusts_a_suspect_after_a_week(self):
        now = timezone.now()
        learn(form_of("mina", at=now - timedelta(days=1), choice="step_up"))
        assert history(now=now) == []
        assert len(history(now=now + timedelta(days=7))) == 1

    def test_outlives_the_windows_of_the_rules(self):
        now = timezone.now()
        learn(form_of("mina", at=now - timedelta(days=100)), form_of("mina", at=now - timedelta(days=200)))
        learn({**form_of("mina", at=now - timedelta(days=100)), "outcome": "failure"})

        assert Expiry().delete(now=now) == 2
        assert [past.client.ip_address for past in history()] == [HOME]

    def test_gives_the_highest_of_the_newest_risks(self):
        now = timezone.now()
        learn(
            *(
                form_of("mina", at=now - timedelta(days=d), choice="allow", score=s)
                for d, s in ((9, 90), (2, 40), (1, 7))
            )
        )
        learn(form_of("omar", at=now))

        assert newest_risks(["mina", "omar", "nobody"], now=now) == {"mina": 40}


@pytest.mark.django_db(transaction=True)
def test_two_processes_count_at_once_as_one_after_the_other():
    now, barrier = timezone.now(), threading.Barrier(2)

    def work(number):
        try:
            for batch in range(5):
                forms = [form_of(f"{number}-{batch}-{n}", at=now, address=f"192.0.{batch}.{n}") for n in range(10)]
                barrier.wait(timeout=30)
                with transaction.atomic():
                    learn(*forms)
        finally:
            connections.close_all()

    with ThreadPoolExecutor(2) as pool:
        list(pool.map(work, range(2)))

    assert max(ClientCount.objects.values_list("sign_ins", flat=True)) == 100
    for row in ClientCount.objects.all():
        assert row.distinct == ClientCount.objects.filter(parent=row.path).count()
