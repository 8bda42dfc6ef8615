from datetime import timedelta

import pytest

from tests.factories.accounts import UserFactory
from tests.factories.tokens import claims_of, family_of, open_session
from tokens.api.response_bodies import introspection_body
from tokens.end_reasons import LOGOUT
from tokens.models import Session
from tokens.services import introspection, revocation, rotation

pytestmark = pytest.mark.django_db

MINUTE = timedelta(minutes=1)
INACTIVE = {"active": False}


@pytest.fixture
def user():
    return UserFactory(username="ada", admin=True)


def ask(token, asker, now):
    return introspection_body(introspection.introspect(token=token, asker=asker, now=now))


class TestIntrospect:
    def test_tells_everything_about_ones_own_access_token(self, now, user):
        pair = open_session(user=user, now=now)
        claims = claims_of(pair)

        assert ask(pair.access_token, user, now) == {
            "active": True,
            "token_type": "Bearer",
            "iss": "http://127.0.0.1:8000",
            "aud": "cedrina",
            "sub": str(user.pk),
            "username": "ada",
            "exp": int(claims.expires_at.timestamp()),
            "iat": int(now.timestamp()),
            "auth_time": int(now.timestamp()),
            "jti": claims.jti,
            "sid": str(pair.session_id),
            "family_id": str(claims.family_id),
            "amr": ["pwd"],
            "roles": ["admin"],
        }

    def test_tells_of_ones_own_refresh_token(self, now, user):
        pair = open_session(user=user, now=now)

        assert ask(pair.refresh_token, user, now) == {
            "active": True,
            "token_type": "refresh_token",
            "iss": "http://127.0.0.1:8000",
            "sub": str(user.pk),
            "exp": int((now + timedelta(days=7)).timestamp()),
            "iat": int(now.timestamp()),
            "sid": str(pair.session_id),
            "family_id": str(family_of(pair).pk),
        }

    def test_reveals_nothing_of_tokens_of_other_users(self, now):
        pair = open_session(now=now)

        for token in (pair.access_token, pair.refresh_token):
            assert ask(token, UserFactory(), now) == INACTIVE

    def test_tells_who_is_allowed_to_ask(self, now, user):
        owner = UserFactory()
        pair = open_session(user=owner, now=now)

        for token in (pair.access_token, pair.refresh_token):
            assert ask(token, user, now)["sub"] == str(owner.pk)

    def test_asks_the_project_who_is_allowed(self, now, settings):
        settings.TOKENS = {**settings.TOKENS, "MAY": "tests.tokens.services.test_introspection.only_introspection"}
        pair = open_session(now=now)

        assert ask(pair.access_token, UserFactory(), now)["active"]

    def test_returns_a_superseded_refresh_token_as_inactive(self, now, user):
        first = open_session(user=user, now=now)
        rotation.rotate(presented=first.refresh_token, now=now)

        assert ask(first.refresh_token, user, now) == INACTIVE

    def test_returns_the_tokens_of_an_ended_session_as_inactive(self, now, user):
        pair = open_session(user=user, now=now)
        revocation.end_sessions(user_id=user.pk, reason=LOGOUT, now=now)

        assert ask(pair.access_token, user, now) == ask(pair.refresh_token, user, now) == INACTIVE

    def test_returns_expired_tokens_as_inactive(self, now, user):
        pair = open_session(user=user, now=now)

        assert ask(pair.access_token, user, now + 15 * MINUTE) == INACTIVE
        assert ask(pair.refresh_token, user, now + timedelta(days=7)) == INACTIVE

    @pytest.mark.parametrize("junk", ["", "x", "cdr_" + "A" * 55, "a.b.c", "\0", "\ud800"])
    def test_calls_junk_dead(self, junk, user, now):
        assert ask(junk, user, now) == INACTIVE

    def test_is_no_use_of_the_token(self, now, user):
        pair = open_session(user=user, now=now)
        ask(pair.access_token, user, now + 5 * MINUTE)

        assert Session.objects.get(pk=pair.session_id).last_activity_at == now


def only_introspection(_user, action):
    return action == "tokens:introspect"
