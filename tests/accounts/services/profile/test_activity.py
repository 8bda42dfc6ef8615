import pytest
from django.utils import timezone

from accounts.event_types import LOGIN_FAILED, LOGIN_SUCCEEDED, REAUTHENTICATED
from accounts.services.administration import account_status
from accounts.services.profile import activity
from security_events import context
from security_events.services.recording import record
from security_events.types import Outcome
from tests.factories.accounts import UserFactory
from tests.factories.tokens import open_session
from tokens.users import subject_of

pytestmark = pytest.mark.django_db
PHONE = context.RequestContext(ip_address="203.0.113.7", user_agent="Phone/1.0")
OFFICE = context.RequestContext(ip_address="198.51.100.9", user_agent="Office/2.0")


@pytest.fixture
def mina():
    return UserFactory(username="mina")


def entries(user, limit=50):
    return activity.list_entries(user=user, limit=limit).entries


class TestListEntries:
    def test_shows_what_the_user_did_and_from_where(self, mina):
        me = subject_of(mina)
        with context.bind(PHONE):
            record(LOGIN_FAILED, actor=me, target=me, outcome=Outcome.FAILURE, reasons=["wrong_password"])

        (entry,) = entries(mina)
        assert (entry.type, entry.outcome, entry.severity) == ("authentication.login_failed", "failure", "low")
        assert (entry.ip_address, entry.user_agent) == ("203.0.113.7", "Phone/1.0")

    @pytest.mark.filterwarnings("ignore::security_events.errors.UndeclaredEventData")
    def test_shows_no_risk_scores_and_reasons(self, mina):
        me = subject_of(mina)
        record(
            LOGIN_FAILED,
            actor=me,
            target=me,
            reasons=["impossible_travel"],
            risk_score=93,
            data={"amr": ["pwd"], "threshold": 5},
        )

        (entry,) = entries(mina)
        assert entry.details == {"amr": ["pwd"]}
        assert "impossible_travel" not in repr(entry)
        assert "93" not in repr(entry.details)

    def test_shows_what_an_operator_did_without_the_operator(self, mina):
        open_session(user=mina)
        operator = UserFactory(admin=True, username="operator")
        with context.bind(OFFICE):
            account_status.deactivate(user=mina, by=operator, reason="named in case 7", now=timezone.now())

        shown = {entry.type: entry for entry in entries(mina)}
        assert {"account.deactivated", "session.revoked"} <= set(shown)
        assert shown["session.revoked"].details == {"reason": "account_deactivated"}
        for kind in ("account.deactivated", "session.revoked"):
            assert (shown[kind].ip_address, shown[kind].user_agent) == (None, "")
        assert "case 7" not in repr(shown)
        assert "oper" not in repr(shown)

    def test_shows_an_operator_no_data_of_the_target(self, mina):
        session = open_session(user=mina)
        operator = UserFactory(admin=True)
        with context.bind(OFFICE):
            account_status.end_sessions(user=mina, by=operator, reason="lost phone", now=timezone.now())

        (entry,) = entries(operator)
        assert (entry.type, entry.ip_address) == ("session.revoked", "198.51.100.9")
        assert (entry.session_id, entry.details) == (None, {})
        assert str(session.session_id) not in repr(entry)

    def test_shows_nothing_of_others(self, mina):
        other = subject_of(UserFactory())
        record(LOGIN_SUCCEEDED, actor=other, target=other)

        assert entries(mina) == ()

    def test_pages_through_all_entries(self, mina):
        me = subject_of(mina)
        ids = sorted((record(REAUTHENTICATED, actor=me, target=me) for _ in range(5)), reverse=True)

        first = activity.list_entries(user=mina, limit=2)
        second = activity.list_entries(user=mina, before=first.next_cursor, limit=2)
        third = activity.list_entries(user=mina, before=second.next_cursor, limit=2)
        assert [entry.id for part in (first, second, third) for entry in part.entries] == ids
        assert third.next_cursor is None
        assert activity.list_entries(user=mina, limit=5).next_cursor is None
