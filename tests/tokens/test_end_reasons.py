import pytest

from tests.factories.accounts import UserFactory
from tests.factories.tokens import open_session
from tokens import end_reasons
from tokens.end_reasons import EndReason, InitiatingEntity, UndeclaredEndReason, register
from tokens.models import Session
from tokens.services import revocation

BREACH = EndReason("breach_of_contract", "breach of contract", InitiatingEntity.POLICY, "Your contract ended.")


@pytest.fixture
def breach(monkeypatch):
    """Declare a reason as another project does, for one test."""
    monkeypatch.setattr(end_reasons, "_declared", dict(end_reasons._declared))
    return register(BREACH)


class TestRegister:
    def test_lets_another_app_end_sessions_for_a_reason_of_its_own(self, db, now, breach, events_of):
        pair = open_session(now=now)
        session = Session.objects.get(pk=pair.session_id)
        revocation.end_session(session_id=session.pk, user_id=session.user_id, reason=breach, now=now)

        session.refresh_from_db()
        assert (session.end_reason, session.get_end_reason_display()) == ("breach_of_contract", "breach of contract")
        session.full_clean()
        event = events_of(session.pk)[-1]
        assert (event.data, event.actor_id) == ({"reason": "breach_of_contract"}, "")

    @pytest.mark.parametrize("code", ["", "Breach", "1st", "a-b", "a" * 33])
    def test_refuses_a_malformed_code(self, code):
        with pytest.raises(ValueError, match="must match"):
            register(EndReason(code, "a reason", InitiatingEntity.USER, "It ended."))

    def test_refuses_a_second_reason_with_one_code(self):
        with pytest.raises(ValueError, match="declared already"):
            register(EndReason("logout", "gone", InitiatingEntity.USER, "It ended."))


class TestCodeOf:
    def test_refuses_a_reason_that_nobody_declared(self, db, now):
        with pytest.raises(UndeclaredEndReason):
            revocation.end_sessions(user_id=UserFactory().pk, reason=BREACH, now=now)


class TestChoices:
    def test_are_those_of_all_apps(self):
        codes = {code for code, _label in end_reasons.choices()}

        assert {"logout", "administrator", "session_limit", "account_deleted", "takeover_reported"} <= codes
