import json
from datetime import UTC, datetime, timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import translation

from accounts import event_types
from accounts.models import OutgoingMail
from accounts.services.administration import person_timeline
from accounts.services.administration.person_timeline import TimelineSource, timeline_page
from security_events.services import recording
from tests.factories.accounts import UserFactory
from tests.factories.tokens import open_session
from tokens.users import subject_of

pytestmark = pytest.mark.django_db
ALL = set(TimelineSource)
# As many events of one person as 1,000 sign-ins a day make in a quarter of a year.
MANY_EVENTS = """
INSERT INTO security_events_event (
    id, occurred_at, type, category, severity, outcome, actor_id, actor_name, actor_pseudonym, target_id, target_name,
    correlation_id, user_agent, risk_score, risk_reasons, data
)
SELECT security_events_uuid7(), now(), 'authentication.login_failed', 'authentication', 'low', 'failure',
    CASE WHEN number %% 2 = 0 THEN %(id)s ELSE '' END, 'name', '', %(id)s, 'name', '', '', 0, '[]', '{}'
FROM generate_series(1, %(number)s) AS number
"""


def titles(page):
    return [str(entry.title) for entry in page.entries]


class TestTimelinePage:
    def test_puts_events_mails_and_the_account_in_one_order_without_repeating_sessions(self):
        user = UserFactory()
        open_session(user=user)
        mail = OutgoingMail.objects.create(
            user=user, kind="confirm_email", address=user.email, created_at=datetime.now(UTC)
        )
        recording.record(event_types.LOGIN_FAILED, actor=subject_of(user), target=subject_of(user))

        page = timeline_page(user=user, sources=ALL, limit=10)

        # Positions have milliseconds, so what happens in the same one may stand in any order.
        assert sorted(titles(page)) == ["Confirm your e-mail address", "authentication.login_failed", "session.created"]
        assert [entry.position for entry in page.entries] == sorted((e.position for e in page.entries), reverse=True)
        assert mail.pk in {entry.id for entry in page.entries}
        assert page.next_cursor is None

    def test_takes_sessions_and_the_account_from_their_rows_for_viewers_without_events(self):
        user = UserFactory()
        session_id = open_session(user=user).session_id

        page = timeline_page(user=user, sources=ALL - {TimelineSource.EVENTS}, limit=10)

        assert set(titles(page)) == {"Signed in", "Address confirmed", "Account created"}
        assert session_id in {entry.id for entry in page.entries}
        assert all(entry.event is None for entry in page.entries)

    @pytest.mark.parametrize("sources", [ALL, ALL - {TimelineSource.EVENTS}, {TimelineSource.ACCOUNT}])
    def test_pages_show_each_entry_once(self, sources):
        user = UserFactory()
        for number in range(7):
            open_session(user=user)
            OutgoingMail.objects.create(
                user=user, kind=f"kind{number}", address=user.email, created_at=datetime.now(UTC)
            )
        whole = timeline_page(user=user, sources=sources, limit=100).entries

        found, before = [], None
        while True:
            page = timeline_page(user=user, sources=sources, before=before, limit=3)
            found += page.entries
            before = page.next_cursor
            if before is None:
                break

        assert [entry.position for entry in found] == [entry.position for entry in whole]
        assert len({entry.position for entry in found}) == len(found) > 0

    def test_shows_nothing_of_other_people(self):
        user, other = UserFactory(), UserFactory()
        open_session(user=other)
        OutgoingMail.objects.create(user=other, kind="kind", address=other.email, created_at=datetime.now(UTC))

        assert timeline_page(user=user, sources=ALL, limit=10).entries == []

    def test_costs_the_same_with_a_hundred_thousand_events(self):
        user = UserFactory()
        recording.record(event_types.LOGIN_FAILED, target=subject_of(user))

        def read_rows():
            with CaptureQueriesContext(connection) as captured:
                page = timeline_page(user=user, sources=ALL, limit=25)
            return page, len(captured)

        _few, statements = read_rows()
        with connection.cursor() as cursor:
            cursor.execute(MANY_EVENTS, {"id": str(user.pk), "number": 100_000})
            cursor.execute("ANALYZE security_events_event")
        page, same_statements = read_rows()

        assert len(page.entries) == 25
        assert same_statements == statements
        assert self.rows_read(user, before=page.next_cursor) <= 4 * 26

    def rows_read(self, user, *, before):
        """Return the most rows that a node of the plan for the second page of events returns."""
        statement = person_timeline.events.EVENTS_ABOUT
        with connection.cursor() as cursor:
            parameters = {"subject_id": str(user.pk), "before": before, "limit": 26}
            cursor.execute(f"EXPLAIN (ANALYZE, FORMAT JSON) {statement}", parameters)
            (plan,) = cursor.fetchone()
        plans = plan if isinstance(plan, list) else json.loads(plan)

        def nodes(node):
            yield node
            for inner in node.get("Plans", ()):
                yield from nodes(inner)

        return max(node["Actual Rows"] + node.get("Rows Removed by Filter", 0) for node in nodes(plans[0]["Plan"]))


def test_a_page_of_the_account_alone_is_the_same_in_each_language():
    user = UserFactory(created_at=datetime.now(UTC) - timedelta(days=1))
    sources = {TimelineSource.ACCOUNT}
    positions = []
    for language in ("en", "fa"):
        with translation.override(language):
            positions.append([entry.position for entry in timeline_page(user=user, sources=sources, limit=9).entries])
    assert positions[0] == positions[1]
