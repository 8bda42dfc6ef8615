import json
import uuid

import pytest
from django.db import connection, transaction
from hypothesis import HealthCheck, given
from hypothesis import settings as budget
from hypothesis import strategies as st
from structlog.testing import capture_logs

from accounts.event_types import LOGIN_FAILED, LOGIN_SUCCEEDED
from security_events.catalogue import CATALOGUE, EventType
from security_events.context import RequestContext, bind
from security_events.errors import UndeclaredEventData, UndeclaredEventType
from security_events.models import SecurityEvent
from security_events.services.recording import record
from security_events.types import Category, Outcome, Severity, Subject
from tests.budgets import examples
from tests.for_each import for_each
from tokens.event_types import KEY_ROTATED, SESSION_CREATED

pytestmark = pytest.mark.django_db
ANY_DATA = pytest.mark.filterwarnings("ignore::security_events.errors.UndeclaredEventData")

SOMEBODY = Subject(id="17", name="ada.lovelace@example.com")
NASTY = "a\0b\ud800c\\u0000d\u2028"


def recorded(event_id):
    return SecurityEvent.objects.get(id=event_id)


class TestRecord:
    @for_each("event_type", CATALOGUE.values())
    def test_takes_what_is_fixed_for_a_type_from_the_catalogue(self, event_type):
        event = recorded(record(event_type))

        assert (event.type, event.category, event.severity, event.risk_score) == (
            event_type.id,
            str(event_type.category),
            str(event_type.severity),
            event_type.base_risk,
        )
        assert event.outcome == "success"

    @ANY_DATA
    def test_stores_everything_that_it_is_told(self, now):
        session_id, family_id = uuid.uuid4(), uuid.uuid4()
        event = recorded(
            record(
                LOGIN_FAILED,
                actor=SOMEBODY,
                target=Subject(id="18", name="grace"),
                outcome=Outcome.FAILURE,
                session_id=session_id,
                family_id=family_id,
                risk_score=55,
                reasons=["wrong_password"],
                data={"attempt": 3},
                now=now,
            )
        )

        assert (event.actor_id, event.actor_name) == ("17", "a***@example.com")
        assert (event.target_id, event.target_name) == ("18", "gr***")
        assert (event.session_id, event.family_id, event.outcome) == (session_id, family_id, "failure")
        assert (event.risk_score, event.risk_reasons, event.data) == (55, ["wrong_password"], {"attempt": 3})
        assert event.occurred_at == now

    def test_asks_the_databases_clock_when_left_alone(self):
        with connection.cursor() as cursor:
            cursor.execute("SELECT clock_timestamp()")
            before = cursor.fetchone()[0]
            event = recorded(record(LOGIN_SUCCEEDED))
            cursor.execute("SELECT clock_timestamp()")
            after = cursor.fetchone()[0]

        assert before <= event.occurred_at <= after

    def test_gives_ids_in_the_order_of_time(self):
        ids = [record(LOGIN_SUCCEEDED) for _ in range(3)]

        assert {event_id.version for event_id in ids} == {7}
        assert {event_id.variant for event_id in ids} == {uuid.RFC_4122}
        milliseconds = [event_id.int >> 80 for event_id in ids]
        assert milliseconds == sorted(milliseconds)
        with connection.cursor() as cursor:
            cursor.execute("SELECT extract(epoch FROM clock_timestamp()) * 1000")
            assert abs(int(cursor.fetchone()[0]) - milliseconds[-1]) < 60_000

    def test_is_undone_with_the_change_that_it_tells_of(self):
        session_id = uuid.uuid4()
        with transaction.atomic():
            record(SESSION_CREATED, session_id=session_id)
            transaction.set_rollback(True)

        assert not SecurityEvent.objects.filter(session_id=session_id).exists()

    @pytest.mark.parametrize(
        "undeclared", ["account.abducted", "", None, EventType("account.abducted", Category.ACCOUNT, Severity.LOW, 10)]
    )
    def test_refuses_a_type_that_the_catalogue_does_not_list(self, undeclared):
        with pytest.raises(UndeclaredEventType):
            record(undeclared)

    @pytest.mark.parametrize(("given_score", "stored"), [(-5, 0), (0, 0), (100, 100), (1000, 100)])
    def test_keeps_the_risk_between_0_and_100(self, given_score, stored):
        assert recorded(record(LOGIN_FAILED, risk_score=given_score)).risk_score == stored

    def test_takes_the_request_from_the_context(self):
        request = RequestContext(correlation_id="c" * 20, ip_address="203.0.113.77", user_agent="Phone/1.0")
        with bind(request):
            inside = recorded(record(LOGIN_SUCCEEDED))
        outside = recorded(record(LOGIN_SUCCEEDED))

        assert (inside.correlation_id, inside.ip_address, inside.user_agent) == ("c" * 20, "203.0.113.77", "Phone/1.0")
        assert (outside.correlation_id, outside.ip_address, outside.user_agent) == ("", None, "")

    @pytest.mark.parametrize(
        ("address", "network"),
        [("203.0.113.77", "203.0.113.0"), ("2001:db8:1:2:3::9", "2001:db8:1::"), (None, None)],
    )
    def test_keeps_the_network_alone_when_the_setting_says_so(self, settings, address, network):
        settings.SECURITY_EVENTS = {"TRUNCATE_IP_ADDRESSES": True}
        with bind(RequestContext(ip_address=address)):
            assert recorded(record(LOGIN_SUCCEEDED)).ip_address == network

    @ANY_DATA
    def test_stores_what_the_database_could_not_hold_as_sent(self):
        with bind(RequestContext(correlation_id=NASTY, user_agent=NASTY)):
            event = recorded(
                record(
                    LOGIN_FAILED,
                    actor=Subject(id=NASTY, name=NASTY),
                    target=Subject(id=NASTY, name=NASTY + "@example.com"),
                    reasons=[NASTY],
                    data={NASTY: [{"deep": NASTY}]},
                )
            )

        stored = "ab?c\\u0000d\u2028"
        assert (event.actor_id, event.user_agent, event.correlation_id) == (stored, stored, stored)
        assert event.risk_reasons == [stored]
        assert event.data == {stored: [{"deep": stored}]}

    @ANY_DATA
    @given(text=st.text(st.characters(exclude_categories=())))
    @budget(max_examples=examples(0.5), suppress_health_check=[HealthCheck.function_scoped_fixture])
    def test_stores_any_text(self, text):
        with bind(RequestContext(user_agent=text)), transaction.atomic():
            assert record(LOGIN_FAILED, actor=Subject(name=text), reasons=[text], data={"value": text})

    def test_cuts_what_is_too_long(self):
        with bind(RequestContext(correlation_id="c" * 1000, user_agent="u" * 10_000)):
            event = recorded(record(LOGIN_FAILED, actor=Subject(id="i" * 1000, name="n" * 400 + "@" + "d" * 400)))

        lengths = [len(text) for text in (event.correlation_id, event.user_agent, event.actor_id, event.actor_name)]
        assert lengths == [64, 512, 64, 254]

    @ANY_DATA
    def test_masks_what_it_is_told_beside(self):
        token = "cdr_" + "A" * 55
        with bind(RequestContext(user_agent=f"curl {token}")):
            event = recorded(
                record(
                    LOGIN_FAILED,
                    data={"password": "hunter2hunter2", "note": f"sent {token}", "error": ValueError(f"bad {token}")},
                )
            )

        assert event.data == {"password": "[redacted]", "note": "sent [redacted]", "error": "bad [redacted]"}
        assert event.user_agent == "curl [redacted]"

    @ANY_DATA
    def test_keeps_values_that_json_does_not_know_as_text(self, now):
        identity = uuid.uuid4()

        assert recorded(record(KEY_ROTATED, data={"id": identity, "at": now})).data == {
            "id": str(identity),
            "at": str(now),
        }

    def test_logs_once_the_transaction_has_committed(self, django_capture_on_commit_callbacks):
        with capture_logs() as lines:
            with django_capture_on_commit_callbacks() as callbacks:
                record(LOGIN_FAILED, actor=SOMEBODY)
            assert lines == []
            (callback,) = callbacks
            callback()

        (line,) = lines
        assert (line["event"], line["type"]) == ("security_event", "authentication.login_failed")
        assert SOMEBODY.name not in json.dumps(line)

    def test_warns_of_data_that_its_type_does_not_list_and_keeps_it(self):
        with pytest.warns(UndeclaredEventData, match="colour"):
            event_id = record(LOGIN_SUCCEEDED, data={"amr": ["pwd"], "colour": "red"})

        assert recorded(event_id).data == {"amr": ["pwd"], "colour": "red"}
