"""The list of events, one event, and the lines that a SIEM pulls."""

import json
from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest
from rest_framework.test import APIClient

from accounts import event_types
from security_events.context import RequestContext, bind
from security_events.exporters.formats import ExportFormat
from security_events.selectors import event_filters
from security_events.selectors.event_pages import event_by_id
from security_events.selectors.trail import START, events_after
from security_events.selectors.trail_pages import cursor_of
from security_events.services import event_lines
from security_events.services.recording import record
from security_events.types import Outcome, Subject
from tests.factories.accounts import UserFactory
from tests.factories.service_clients import answer, basic, post, register
from tests.factories.tokens import open_session
from tests.problem_shape import assert_problem

URL = "/api/v1/admin/security-events"
LINES = {"Accept": "application/x-ndjson"}


def signed_in(user=None):
    client = APIClient()
    user = user or UserFactory(admin=True)
    client.credentials(HTTP_AUTHORIZATION=f"Bearer {open_session(user=user).access_token}")
    return client


def ids(response):
    return [UUID(event["id"]) for event in response.json()["results"]]


def forms(response):
    return [json.loads(line) for line in response.content.decode().splitlines()]


@pytest.mark.django_db
class TestWho:
    def test_people_without_the_right_are_refused(self):
        client = signed_in(UserFactory())
        for response in (client.get(URL), client.get(f"{URL}/{UUID(int=7)}"), client.get(URL, headers=LINES)):
            assert_problem(response, status=403, code="permission_denied")
        assert_problem(APIClient().get(URL, headers=LINES), status=401, code="authentication_required")

    def test_a_service_client_needs_the_scope(self):
        for scope, status in (("events:read", 200), ("rate_limits:read", 403)):
            made = register(name=scope, scopes=[scope])
            grant = {"grant_type": "client_credentials"}
            given = post(APIClient(), "/oauth/token", grant, headers=basic(made.client.pk, made.secret))
            bearer = {"Authorization": f"Bearer {answer(given)[1]['access_token']}"}
            for headers in (bearer, {**bearer, **LINES}):
                assert APIClient().get(URL, headers=headers).status_code == status


@pytest.mark.django_db
class TestTheList:
    def test_is_newest_first_and_comes_in_pages(self):
        client = signed_in()
        made = [record(event_types.ACCOUNT_ACTIVATED) for _ in range(5)]
        found, cursor = [], None
        while True:
            given = {"type": "account.activated", "limit": 2, **({"cursor": cursor} if cursor else {})}
            page = client.get(URL, given)
            found += ids(page)
            cursor = page.json()["next"]
            if cursor is None:
                break
        assert found == sorted(made, reverse=True)  # ids of one millisecond have no order of their own

    def test_each_filter_keeps_what_it_says(self):
        client = signed_in()
        session = UUID(int=77)
        with bind(RequestContext(ip_address="2001:db8::1")):
            low = record(event_types.LOGIN_FAILED, outcome=Outcome.FAILURE, session_id=session)
        medium = record(event_types.ACCOUNT_ACTIVATED, actor=Subject(id="actor-1"), risk_score=55)
        high = record(event_types.ACCOUNT_ADMIN_CREATED, target=Subject(id="actor-1"))
        cases = {
            "type=authentication.login_failed": {low},
            "category=account": {medium, high},
            "severity=high": {high},
            "severity=high%2B": {high},
            "severity=low%2B&category=authentication": {low},
            "severity=medium%2B&category=account": {medium, high},
            "outcome=failure": {low},
            "actor=actor-1": {medium},
            "ip=2001:0DB8:0::1": {low},
            f"session={session}": {low},
            "min_risk=55": {medium},
            "actor=actor-1&min_risk=56": set(),
        }
        for query, expected in cases.items():
            assert set(ids(client.get(f"{URL}?{query}&limit=200"))) & {low, medium, high} == expected, query

    def test_a_range_includes_its_beginning_and_not_its_end(self):
        client, now = signed_in(), datetime.now(UTC)
        moments = [now - timedelta(seconds=seconds) for seconds in (3, 2, 1)]
        made = [record(event_types.ACCOUNT_ACTIVATED, now=moment) for moment in moments]
        _first, second, third = (f"{moment:%Y-%m-%dT%H:%M:%S.%fZ}" for moment in moments)
        wanted = {"type": "account.activated"}
        assert ids(client.get(URL, {"since": second, "until": third, **wanted})) == [made[1]]
        assert set(ids(client.get(URL, {"since": second, **wanted}))) == set(made[1:])
        assert ids(client.get(URL, {"until": second, **wanted})) == made[:1]

    def test_looks_at_a_bounded_number_of_events_for_a_page(self, monkeypatch):
        client = signed_in()
        monkeypatch.setattr("security_events.selectors.event_pages.WINDOW", 3)
        rare = record(event_types.ACCOUNT_ADMIN_CREATED, risk_score=99)
        for _ in range(7):
            record(event_types.ACCOUNT_ACTIVATED, risk_score=1)

        first = client.get(URL, {"min_risk": 99})
        assert ids(first) == []
        found, cursor = [], first.json()["next"]
        while cursor:
            page = client.get(URL, {"min_risk": 99, "cursor": cursor})
            found += ids(page)
            cursor = page.json()["next"]
        assert found == [rare]

    @pytest.mark.parametrize(
        ("query", "field", "code"),
        [
            ("kind=x", "kind", "unknown_field"),
            ("type=nothing.known", "type", "invalid"),
            ("type=", "type", "blank"),
            ("category=cats", "category", "invalid"),
            ("severity=loud", "severity", "invalid"),
            ("outcome=perhaps", "outcome", "invalid"),
            ("ip=300.1.1.1", "ip", "invalid"),
            ("ip=fe80::1%25eth0", "ip", "invalid"),
            ("ip=a%00b", "ip", "invalid"),
            ("session=1", "session", "invalid"),
            ("min_risk=101", "min_risk", "invalid"),
            ("min_risk=" + "9" * 400, "min_risk", "invalid"),
            ("since=yesterday", "since", "invalid"),
            ("since=0001-01-01T00:00:00Z", "since", "invalid"),
            ("until=9999-12-31T23:59:59-14:00", "until", "invalid"),
            ("since=2026-03-02T00:00:00Z&until=2026-03-01T00:00:00Z", "until", "invalid"),
            ("actor=" + "x" * 65, "actor", "max_length"),
            ("cursor=1", "cursor", "invalid"),
            ("limit=201", "limit", "invalid"),
            ("format=ocsf", "format", "invalid"),
            ("after=1.2", "after", "invalid"),
            ("type=session.created&type=session.revoked", "type", "invalid"),
        ],
    )
    def test_refuses_what_is_no_filter(self, query, field, code):
        response = signed_in().get(f"{URL}?{query}")
        problem = assert_problem(response, status=422, code="validation_error")
        assert (field, code) in {(error["field"], error["code"]) for error in problem["errors"]}


@pytest.mark.django_db
class TestOneEvent:
    def test_is_the_same_object_as_in_the_list(self):
        client = signed_in()
        event_id = record(event_types.EMAIL_CHANGED, data={"from": "a", "to": "b"}, reasons=["why"])
        one = client.get(f"{URL}/{event_id}").json()
        listed = client.get(URL, {"type": "email.changed"}).json()["results"]
        assert listed == [one]
        assert one["id"] == str(event_id)
        assert one["risk_reasons"] == ["why"]
        assert len(one["occurred_at"]) == len("2026-01-05T10:00:00.123456Z")

    def test_that_is_not_there(self):
        assert_problem(signed_in().get(f"{URL}/{UUID(int=7)}"), status=404, code="not_found")


@pytest.fixture
def start():
    """The cursor behind all events so far."""
    return cursor_of(([START] + [event.position for event in events_after(START, limit=1000)])[-1])


@pytest.mark.django_db(transaction=True)
class TestLines:
    def test_come_oldest_first_from_a_cursor_on(self, start):
        client = signed_in()
        made = [record(event_types.ACCOUNT_ACTIVATED) for _ in range(5)]
        found, cursor = [], start
        while True:
            response = client.get(URL, {"after": cursor, "limit": 2, "type": "account.activated"}, headers=LINES)
            assert response["Content-Type"] == "application/x-ndjson; charset=utf-8"
            assert "no-store" in response["Cache-Control"]
            found += [UUID(form["id"]) for form in forms(response)]
            if response["X-Next-Cursor"] == cursor:
                break
            cursor = response["X-Next-Cursor"]
        assert found == made

    def test_are_the_same_objects_as_elsewhere(self, start):
        client = signed_in()
        event_id = record(event_types.ACCOUNT_ACTIVATED)
        (form,) = forms(client.get(URL, {"after": start, "type": "account.activated"}, headers=LINES))
        assert form == client.get(f"{URL}/{event_id}").json()
        (trail,) = [event.form for event in events_after(START, limit=1000) if event.form["id"] == str(event_id)]
        assert form == trail

    @pytest.mark.parametrize("export_format", ExportFormat)
    def test_each_format_carries_every_event(self, start, export_format):
        client = signed_in()
        with bind(RequestContext(ip_address="203.0.113.7", user_agent="A\u2028B | = \\ «»")):
            made = [record(event_type) for event_type in (event_types.LOGIN_FAILED, event_types.ACCOUNT_ACTIVATED)]
        response = client.get(URL, {"after": start, "format": export_format}, headers=LINES)
        lines = response.content.decode().split("\n")
        assert lines.pop() == ""
        assert all(any(str(event_id) in line for line in lines) for event_id in made)
        assert response["Content-Type"].startswith(export_format.media_type)

    def test_since_combines_with_the_cursor(self, start):
        client = signed_in()
        for days in (0, 0, 40):
            record(event_types.ACCOUNT_ACTIVATED, now=datetime(2026, 3, 1, tzinfo=UTC) + timedelta(days=days))
        given = {"since": "2026-03-30T00:00:00Z", "type": "account.activated"}
        everything = client.get(URL, {"after": start, **given}, headers=LINES)
        behind = client.get(URL, {"after": everything["X-Next-Cursor"], **given}, headers=LINES)
        assert [form["occurred_at"][:10] for form in forms(everything)] == ["2026-04-10"]
        assert forms(behind) == []

    def test_a_filter_that_finds_little_moves_the_cursor_on(self, start, monkeypatch):
        client = signed_in()
        monkeypatch.setattr("security_events.selectors.trail_pages.WINDOW", 3)
        for _ in range(7):
            record(event_types.ACCOUNT_ACTIVATED, risk_score=1)
        rare = record(event_types.ACCOUNT_ADMIN_CREATED, risk_score=99)
        found, cursor, requests = [], start, 0
        while True:
            response = client.get(URL, {"after": cursor, "min_risk": 99}, headers=LINES)
            found += [UUID(form["id"]) for form in forms(response)]
            requests += 1
            if response["X-Next-Cursor"] == cursor:
                break
            cursor = response["X-Next-Cursor"]
        assert found == [rare]
        assert requests >= 3


@pytest.mark.django_db
class TestAskingForLines:
    @pytest.mark.parametrize(
        ("query", "field"),
        [
            ("after=", "after"),
            ("after=1", "after"),
            (f"after=99999999999999999999.{0:032x}", "after"),
            (f"after=9999999999999999999.{0:032x}", "after"),
            ("format=xml", "format"),
            ("cursor=1", "cursor"),
            ("limit=1001", "limit"),
            ("until=2026-02-30T00:00:00Z", "until"),
        ],
    )
    def test_refuses_what_is_none_of_its_parameters(self, query, field):
        problem = assert_problem(signed_in().get(f"{URL}?{query}", headers=LINES), status=422, code="validation_error")
        assert [error["field"] for error in problem["errors"]] == [field]

    @pytest.mark.parametrize(
        ("accept", "content_type"),
        [
            ("application/x-ndjson", "application/x-ndjson"),
            ("application/x-ndjson, application/json;q=0.5", "application/x-ndjson"),
            ("application/json, application/x-ndjson;q=0.5", "application/json"),
            ("application/x-ndjson;q=0, application/json", "application/json"),
            ("*/*", "application/json"),
            ("text/csv", "application/problem+json"),
        ],
    )
    def test_are_sent_to_those_who_ask_for_them(self, accept, content_type):
        response = signed_in().get(URL, headers={"Accept": accept})
        assert response["Content-Type"].partition(";")[0] == content_type


def test_a_window_holds_more_than_a_page():
    assert event_filters.WINDOW >= 10 * event_lines.MAX_LINES
