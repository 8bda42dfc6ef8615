from datetime import timedelta

import pytest

from tests.factories.tokens import family_of, open_session
from tokens import errors
from tokens.end_reasons import LOGOUT
from tokens.services import revocation, sessions, verification

pytestmark = pytest.mark.django_db

MINUTE = timedelta(minutes=1)


class TestRecordReauthentication:
    def test_notes_when_the_person_proved_who_they_are(self, now):
        pair = open_session(now=now)

        assert sessions.record_reauthentication(session_id=pair.session_id, now=now + MINUTE) == now + MINUTE
        found = verification.authenticate(presented=pair.access_token, now=now + MINUTE)
        assert found.principal.authenticated_at == now + MINUTE

    def test_notes_the_methods_once_and_when_the_second_factor_was_shown(self, now):
        pair = open_session(now=now)

        sessions.record_reauthentication(session_id=pair.session_id, amr=["otp", "mfa"], now=now + MINUTE)
        sessions.record_reauthentication(session_id=pair.session_id, amr=["pwd", "otp"], now=now + 2 * MINUTE)

        principal = verification.authenticate(presented=pair.access_token, now=now + 2 * MINUTE).principal
        assert principal.amr == ("pwd", "otp", "mfa")
        assert principal.second_factor_at == now + MINUTE
        assert principal.authenticated_at == now + 2 * MINUTE

    def test_refuses_a_session_that_ended(self, now):
        pair = open_session(now=now)
        revocation.end_sessions(user_id=family_of(pair).user_id, reason=LOGOUT, now=now)

        with pytest.raises(errors.SessionRevoked):
            sessions.record_reauthentication(session_id=pair.session_id, now=now)
