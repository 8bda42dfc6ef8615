"""Events that a backtest reads: facts that are equal to those of live events, made of fewer columns."""

from datetime import timedelta

import pytest
from django.db import connection
from django.utils import timezone
from psycopg.types.json import Jsonb

from security_events.detection.facts import fact_from
from security_events.event_form import EVENT_COLUMNS, event_form
from security_events.selectors.detection.replayed_events import replayed_events

TYPE = "authentication.login_failed"
SESSION, ACTOR, TARGET = ("0190a0a0-0000-7000-8000-00000000000" + digit for digit in "123")
DATA = (
    {},
    {"amr": ["pwd"], "is_new_client": True, "days_since_last": 3},
    {"amr": ["pwd", "mfa"], "is_new_client": 1, "days_since_last": -5},
    {"repeats": 7, "since": "2026-01-05T10:00:00.5Z", "amr": "pwd"},
    {"repeats": 2**60, "since": 5, "days_since_last": 2**53},
    {"repeats": 1.5, "since": "yesterday", "is_new_client": None, "ré": {"amr": ["pwd"]}},
    {"repeats": 0, "days_since_last": True, "amr": [["pwd"]]},
    {"is_familiar_client": True, "generations_behind": 12, "idle_seconds": 900},
    {"is_familiar_client": "yes", "generations_behind": -1, "idle_seconds": 2**40},
)
CLIENTS = ((None, ""), ("192.0.2.7", "curl/8.1"), ("2001:db8:1:2::3", "Mozilla/5.0 🎈"), ("198.51.100.9", "curl/7"))
WHO = (("", "", ""), (ACTOR, "", ""), (ACTOR, "", TARGET), (ACTOR, "", ACTOR), ("", "pseudonym", ""), ("", "p", TARGET))
INSERT = """
INSERT INTO security_events_event (id, occurred_at, type, category, severity, outcome, actor_id, actor_name,
    actor_pseudonym, target_id, target_name, session_id, family_id, correlation_id, ip_address, user_agent,
    risk_score, risk_reasons, data)
VALUES (security_events_uuid7(), clock_timestamp() - random() * interval '1 hour', %s, 'authentication', 'info', %s,
        %s, 'na***', %s, %s, '', %s, NULL, '', %s, %s, %s, '[]', %s)
"""


@pytest.mark.django_db(transaction=True)
def test_are_the_facts_of_live_events(settings):
    settings.SECURITY_EVENTS = {**settings.SECURITY_EVENTS, "RELAYS": ["198.51.100.0/24"]}
    number = 0
    with connection.cursor() as cursor:
        for data in DATA:
            for address, agent in CLIENTS:
                for actor, pseudonym, target in WHO:
                    number += 1
                    session, outcome = (SESSION, "success") if number % 2 else (None, "failure")
                    row = (TYPE, outcome, actor, pseudonym, target, session, address, agent, number % 101, Jsonb(data))
                    cursor.execute(INSERT, row)
        cursor.execute(
            f"SELECT {EVENT_COLUMNS} FROM security_events_event event WHERE type = %s ORDER BY transaction_id, id",
            [TYPE],
        )
        forms = [event_form(row) for row in cursor.fetchall()]
    now = timezone.now()
    read = list(replayed_events(types=[TYPE], since=now - timedelta(hours=2), until=now + timedelta(hours=1)))

    assert len(read) == number
    assert [each.fact for each in read] == [fact_from(form) for form in forms]
    assert [each.risk_score for each in read] == [form["risk_score"] for form in forms]
    assert {each.fact.times for each in read} == {1, 7}
    assert {each.fact.is_relay for each in read} == {False, True}
