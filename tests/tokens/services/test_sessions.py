from datetime import timedelta

import pytest

from tests.factories.tokens import family_of, open_session
from tokens import errors
from tokens.services import revocation, sessions, verification

pytestmark = pytest.mark.django_db

MINUTE = timedelta(minutes=1)


class TestConfirmReauthentication:
    def test_notes_when_the_person_proved_who_they_are(self, now):
        pair = open_session(now=now)

        assert sessions.confirm_reauthentication(session_id=pair.session_id, now=now + MINUTE) == now + MINUTE
        found = verification.authenticate(presented=pair.access_token, now=now + MINUTE)
        assert found.principal.authenticated_at == now + MINUTE

    def test_refuses_a_session_that_ended(self, now):
        pair = open_session(now=now)
        revocation.end_sessions(user_id=family_of(pair).user_id, reason="logout", now=now)

        with pytest.raises(errors.SessionRevoked):
            sessions.confirm_reauthentication(session_id=pair.session_id, now=now)
