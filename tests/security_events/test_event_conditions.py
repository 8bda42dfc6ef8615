import html
import json
import re
import uuid
from datetime import UTC, datetime, timedelta
from importlib import import_module
from types import SimpleNamespace
from urllib.parse import urlencode

import pytest
from django.contrib import admin
from django.db import connection
from django.test import Client, RequestFactory

from accounts import event_types
from security_events.admin import SecurityEventAdmin
from security_events.administration.event_conditions import EventConditionsForm
from security_events.administration.event_data import data_lines
from security_events.catalogue import CATALOGUE
from security_events.context import RequestContext, bind
from security_events.models import SecurityEvent
from security_events.selectors.event_pages import event_by_id
from security_events.services import partitions
from security_events.services.recording import record
from security_events.types import Category, Outcome, Subject
from tests.factories.accounts import UserFactory
from tests.factories.tokens import open_session, sign_in_at_admin
from tokens import event_types as tokens_event_types
from tokens.models import SigningKey, TokenFamily
from tokens.users import subject_of

pytestmark = pytest.mark.django_db
LIST = "/admin/security_events/securityevent/"
MANY = """
INSERT INTO security_events_event (
    id, occurred_at, type, category, severity, outcome, actor_id, actor_name, actor_pseudonym, target_id, target_name,
    correlation_id, user_agent, risk_score, risk_reasons, data
)
SELECT security_events_uuid7(), now(), 'session.created', 'session', 'info', 'success', '', '', '', '', '', '', '', 0,
    '[]', '{}'
FROM generate_series(1, 10050)
"""


@pytest.fixture
def boss():
    return UserFactory(username="boss", admin=True)


@pytest.fixture
def browser(boss):
    client = Client()
    sign_in_at_admin(client, boss)
    return client


def found(viewer, **conditions):
    form = EventConditionsForm(conditions)
    made = SecurityEvent.objects.exclude(type="key.created")  # by the migrations
    return set(made.filter(form.condition(viewer)).values_list("pk", flat=True))


class TestCondition:
    def test_offers_all_declared_types_and_categories(self):
        form = EventConditionsForm()
        assert {value for value, _label in form.fields["type"].choices} == {"", *CATALOGUE}
        assert {value for value, _label in form.fields["category"].choices} == {"", *Category}

    def test_keeps_the_moments_of_a_range(self, boss):
        now = datetime.now(UTC).replace(microsecond=0)
        ids = [record(event_types.LOGIN_FAILED, now=now - timedelta(hours=hours)) for hours in (0, 2, 4)]
        since, until = now - timedelta(hours=3), now - timedelta(hours=1)

        assert found(boss, since=f"{since:%Y-%m-%dT%H:%M:%S}", until=f"{until:%Y-%m-%dT%H:%M:%S}") == {ids[1]}
        assert found(boss, since=f"{since:%Y-%m-%dT%H:%M:%S}") == set(ids[:2])

    def test_keeps_severities_from_one_on_and_each_other_column(self, boss):
        low = record(event_types.LOGIN_FAILED, outcome=Outcome.FAILURE)
        medium = record(event_types.ACCOUNT_ACTIVATED)
        high = record(event_types.ACCOUNT_ADMIN_CREATED)

        assert found(boss, severity="medium+") == {medium, high}
        assert found(boss, severity="high+") == {high}
        assert found(boss, severity="medium") == {medium}
        assert found(boss, outcome="failure") == {low}
        assert found(boss, type="account.activated") == {medium}
        assert found(boss, category="authentication") == {low}
        assert found(boss, category="account", severity="high") == {high}

    def test_finds_actors_and_targets_by_name_address_or_id(self, boss):
        mina, omar = UserFactory(username="mina"), UserFactory(username="omar")
        by_mina = record(event_types.ACCOUNT_ACTIVATED, actor=subject_of(mina), target=subject_of(omar))
        own = record(event_types.LOGIN_SUCCEEDED, actor=subject_of(omar), target=subject_of(omar))
        unknown = record(event_types.LOGIN_FAILED, actor=Subject(name="nobody@example.com"))

        for name in ("mina", "MINA@example.com", str(mina.pk), " mina "):
            assert found(boss, actor=name) == {by_mina}, name
        assert found(boss, target="omar") == {by_mina, own}
        assert found(boss, actor="Nobody@Example.com") == {unknown}
        assert found(boss, actor="omar", target="mina") == set()

    def test_does_not_tell_viewers_without_the_permission_who_has_a_name(self):
        mina = UserFactory(username="mina")
        record(event_types.ACCOUNT_ACTIVATED, actor=subject_of(mina))
        assert found(UserFactory(), actor="mina") == set()

    def test_finds_an_address_in_each_notation(self, boss):
        with bind(RequestContext(ip_address="2001:db8::1")):
            event = record(event_types.LOGIN_FAILED)
        assert found(boss, ip="2001:0db8:0:0::0001") == {event}

    @pytest.mark.parametrize(
        "conditions",
        [
            {"since": "yesterday"},
            {"since": "2026-03-02T00:00", "until": "2026-03-01T00:00"},
            {"type": "nothing.known"},
            {"severity": "very"},
            {"ip": "300.1.1.1"},
            {"ip": "fe80::1%eth0"},
            {"actor": "x" * 255},
            {"actor": "a\0b"},
            {"since": "0001-01-01T00:00"},
            {"until": "9999-12-31T23:59"},
        ],
    )
    def test_refuses_what_is_no_condition_without_an_error_of_the_server(self, browser, conditions):
        answer = browser.get(f"{LIST}?{urlencode(conditions)}")
        assert answer.status_code == 200


class TestIndexes:
    @pytest.mark.parametrize(
        ("search", "index"),
        [
            ("ip=203.0.113.7", "address"),
            ("type=authentication.login_failed", "type"),
            ("severity=high%2B", "severity"),
            (f"q={uuid.UUID(int=7)}", "session"),
            (f"q={uuid.UUID(int=7)}", "family"),
            ("q=corr-1", "correlation"),
            ("q=nobody@example.com", "pseudonym"),
        ],
    )
    def test_serve_each_search(self, boss, search, index):
        """The planner of an empty table would read it whole, so it is forbidden to here."""
        page = SecurityEventAdmin(SecurityEvent, admin.site)
        statements = []

        def explain(execute, sql, params, many, context):
            if 'FROM "security_events_event"' in sql:
                with connection.connection.cursor() as cursor:
                    cursor.execute(f"EXPLAIN {sql}", params)
                    statements.append("\n".join(row[0] for row in cursor.fetchall()))
            return execute(sql, params, many, context)

        request = RequestFactory().get(f"{LIST}?{search}")
        request.user = boss
        with connection.cursor() as cursor:
            cursor.execute("SET LOCAL enable_seqscan = off")
        with connection.execute_wrapper(explain):
            page.get_changelist_instance(request)

        assert any(f"_{index}_idx" in plan for plan in statements), statements
        assert not [plan for plan in statements if "Seq Scan on security_events_event" in plan]


class TestMigration:
    CHILDREN = """
        SELECT count(*) FROM pg_inherits JOIN pg_index ON indexrelid = inhrelid
        WHERE indrelid = %s::regclass AND indisvalid
    """

    def test_indexes_each_partition_and_does_nothing_the_second_time(self):
        migration = import_module("security_events.migrations.0005_indexes_for_searches_of_operators")
        partitions.ensure(now=datetime(2031, 5, 1, tzinfo=UTC))

        migration.create(None, SimpleNamespace(connection=connection))

        with connection.cursor() as cursor:
            for partition in ("security_events_event_default", "security_events_event_2031_06"):
                cursor.execute(self.CHILDREN, [partition])
                # Others have theirs by other migrations: the primary key, the actor, the target and the transaction.
                assert cursor.fetchone() == (len(migration.INDEXES) + 4,), partition


class TestList:
    def test_names_and_links_people_and_who_is_behind_a_session_or_a_family(self, browser):
        mina = UserFactory(username="mina")
        pair = open_session(user=mina)
        family = TokenFamily.objects.get(session_id=pair.session_id)
        event = record(event_types.LOGIN_FAILED, family_id=family.pk)
        link = f'<a href="/admin/accounts/user/{mina.pk}/change/"><bdi>mina</bdi></a>'

        listed = browser.get(LIST, {"type": "authentication.login_failed"}).content.decode()
        detail = browser.get(f"{LIST}{event}/change/").content.decode()

        assert link in listed
        assert link in detail
        assert f"{LIST}?q={family.pk}" in detail

    @pytest.mark.parametrize("kid", ["a_2Cb", "a-b_c"])
    def test_links_a_key_whose_thumbprint_reads_like_an_escape(self, browser, kid):
        open_session()
        SigningKey.objects.filter(pk=SigningKey.objects.first().pk).update(kid=kid)
        event = record(tokens_event_types.KEY_CREATED, target=Subject(id=kid, name=kid))

        detail = browser.get(f"{LIST}{event}/change/").content.decode()
        (address,) = set(re.findall(r'href="(/admin/tokens/signingkey/[^"]+)"', detail))

        assert browser.get(address).status_code == 200

    def test_asks_for_the_names_of_a_page_together(self, browser, django_assert_max_num_queries):
        for _ in range(40):
            user = UserFactory()
            record(event_types.ACCOUNT_ACTIVATED, actor=subject_of(user), target=subject_of(UserFactory()))
        with django_assert_max_num_queries(14):
            assert browser.get(LIST).status_code == 200

    def test_keeps_the_search_in_the_form_of_conditions_and_says_when_nothing_is_found(self, browser):
        text = browser.get(LIST, {"q": "corr-none", "severity": "high"}).content.decode()
        assert '<input type="hidden" name="q" value="corr-none">' in text
        assert "Nothing was found." in text

    def test_counts_and_shows_the_first_ten_thousand(self, browser):
        with connection.cursor() as cursor:
            cursor.execute(MANY)
        first = browser.get(LIST).content.decode()
        last = browser.get(LIST, {"p": 200})
        beyond = browser.get(LIST, {"p": 201}, follow=True)

        assert "the first 10,000" in first or "the first 10000" in first
        assert last.status_code == 200
        assert "session.created" in last.content.decode()
        assert beyond.redirect_chain

    def test_shows_the_public_form_of_an_event_and_that_it_is_not_sealed_yet(self, browser):
        event = record(event_types.ACCOUNT_ACTIVATED, data={"note": "</pre><b>bold</b>"})
        text = browser.get(f"{LIST}{event}/change/").content.decode()
        shown = re.search(r'<pre dir="ltr" class="event-text" tabindex="0">(.*?)</pre>', text, re.DOTALL)[1]
        assert json.loads(html.unescape(shown)) == event_by_id(event)
        assert "This is not sealed yet." in text

    def test_shows_data_as_text(self, browser):
        event = record(event_types.ACCOUNT_ACTIVATED, data={"note": "<b>bold</b>"}, reasons=["<i>x</i>"])
        text = browser.get(f"{LIST}{event}/change/").content.decode()
        assert "<dt>note</dt><dd><bdi>&lt;b&gt;bold&lt;/b&gt;</bdi></dd>" in text
        assert "<i>x</i>" not in text


class TestDataLines:
    def test_name_each_value_by_its_path(self):
        data = {"before": {"limit": 1, "scope": ["ip", "user"]}, "after": None, "keys": [{"a": True}], "empty": {}}
        assert data_lines(data) == [
            ("before.limit", "1"),
            ("before.scope", "ip, user"),
            ("after", "-"),
            ("keys[1].a", "true"),
            ("empty", "-"),
        ]
        assert data_lines({}) == []

    def test_are_a_hundred_at_most(self):
        lines = data_lines(json.loads(json.dumps({str(number): number for number in range(150)})))
        assert len(lines) == 101
        assert lines[-1] == ("…", "+50")
