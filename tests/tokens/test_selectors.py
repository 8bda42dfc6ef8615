from datetime import timedelta

import pytest

from accounts.end_reasons import PASSWORD_CHANGE
from tests.factories.accounts import UserFactory
from tests.factories.tokens import open_session
from tokens import selectors
from tokens.end_reasons import LOGOUT
from tokens.services import issuing, revocation

pytestmark = pytest.mark.django_db

MINUTE = timedelta(minutes=1)
DAY = timedelta(days=1)


def shown(user, now):
    return [session.pk for session in selectors.live_sessions(user_id=user.pk, now=now)]


class TestLiveSessions:
    def test_shows_a_persons_own_the_newest_first(self, now):
        user = UserFactory()
        pairs = [open_session(user=user, now=now + number * MINUTE) for number in range(3)]
        open_session(now=now)

        assert shown(user, now + DAY) == [pair.session_id for pair in reversed(pairs)]

    def test_leaves_out_what_ended_or_expired(self, now):
        user = UserFactory()
        ended = open_session(user=user, now=now)
        revocation.end_session(session_id=ended.session_id, user_id=user.pk, reason=LOGOUT, now=now)
        open_session(user=user, now=now)
        alive = open_session(user=user, now=now + DAY)

        assert shown(user, now + 7 * DAY) == [alive.session_id]

    def test_shows_a_session_once_that_has_a_new_family(self, now):
        user = UserFactory()
        pair = open_session(user=user, now=now)
        issuing.replace_family(session_id=pair.session_id, user=user, reason=PASSWORD_CHANGE, now=now + DAY)

        (session,) = selectors.live_sessions(user_id=user.pk, now=now + DAY)
        assert session.deadline == now + 8 * DAY


class TestLiveSessionsPage:
    def test_says_whether_there_are_more_and_goes_on_after_it(self, now):
        user = UserFactory()
        pairs = [open_session(user=user, now=now + number * MINUTE) for number in range(5)]
        newest_first = [pair.session_id for pair in reversed(pairs)]

        first = selectors.live_sessions_page(user_id=user.pk, before=None, limit=2, now=now + DAY)
        assert ([session.pk for session in first.sessions], first.has_more) == (newest_first[:2], True)
        second = selectors.live_sessions_page(user_id=user.pk, before=first.sessions[1].pk, limit=4, now=now + DAY)
        assert ([session.pk for session in second.sessions], second.has_more) == (newest_first[2:], False)
