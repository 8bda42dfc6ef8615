"""The public form of events: one object everywhere, in canonical bytes that another implementation agrees with."""

import json

import pytest
import rfc8785
from django.db import connection
from hypothesis import given
from hypothesis import strategies as st

from accounts.event_types import LOGIN_FAILED
from security_events.context import RequestContext, bind
from security_events.event_form import MEMBERS, canonical_bytes, event_form
from security_events.selectors.trail import START, events_after
from security_events.services.recording import record
from security_events.types import Outcome, Subject

TEXT = st.text(st.characters(blacklist_categories=["Cs"], blacklist_characters="\0"))
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | TEXT,
    lambda each: st.lists(each, max_size=4) | st.dictionaries(TEXT, each, max_size=4),
    max_leaves=12,
)


def form_with(data, reasons=()):
    columns = dict.fromkeys(MEMBERS, "")
    return event_form([*list(columns.values())[:-2], json.dumps(list(reasons)), json.dumps(data)])


@given(data=st.dictionaries(TEXT, JSON, max_size=5))
def test_the_bytes_are_those_of_another_implementation(data):
    form = form_with(data)

    assert canonical_bytes(form) == rfc8785.dumps(form)


@pytest.mark.parametrize(
    ("number", "member"),
    [(1, 1), (2**53 - 1, 2**53 - 1), (2**53, "9007199254740992"), (-(2**53), "-9007199254740992"), (1.5, "1.5")],
)
def test_numbers_that_readers_could_round_are_text(number, member):
    assert form_with({"number": [number]})["data"] == {"number": [member]}


def test_names_are_ascii():
    assert form_with({"ölçü": {"é": 1}})["data"] == {"\\xf6l\\xe7\\xfc": {"\\xe9": 1}}


@pytest.mark.django_db(transaction=True)
def test_a_stored_event_has_all_members_masked_and_in_utc():
    with connection.cursor() as cursor:
        cursor.execute("SET TIME ZONE 'Asia/Tehran'")
    with bind(RequestContext(correlation_id="0197-abc", ip_address="2001:db8::1", user_agent="")):
        event_id = record(
            LOGIN_FAILED, actor=Subject(name="mina@example.com"), outcome=Outcome.FAILURE, reasons=["wrong_password"]
        )

    (event,) = [each for each in events_after(START, limit=1000) if each.position.event_id == event_id]
    form = event.form
    assert tuple(form) == MEMBERS
    assert form["id"] == str(event_id)
    assert form["actor_name"] == "m***@example.com"
    assert form["actor_id"] is None
    assert form["target_name"] is form["session_id"] is form["user_agent"] is None
    assert form["ip_address"] == "2001:db8::1"
    assert form["risk_reasons"] == ["wrong_password"]
    assert form["data"] == {}
    assert form["occurred_at"].endswith("Z")
    assert len(form["occurred_at"]) == len("2026-01-05T10:00:00.000000Z")
    assert json.loads(canonical_bytes(form)) == form
