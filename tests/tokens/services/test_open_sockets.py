"""What closes sockets beside the end of a session, which the matrix of its ways tests."""

from datetime import timedelta

import pytest

from tests.factories.tokens import claims_of, family_of, open_session
from tokens.models import Session, SigningKey
from tokens.services.open_sockets import SocketToken, dead_tokens

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("own_keys")]


@pytest.fixture
def token(now):
    claims = claims_of(open_session(now=now))
    return SocketToken(claims.family_id, claims.kid)


def test_a_live_session_is_left_alone(token, now):
    assert dead_tokens(among=[token], now=now) == frozenset()


def test_of_many_the_dead_ones_are_found(token, now):
    other = claims_of(open_session(now=now))
    Session.objects.filter(pk=other.session_id).update(ended_at=now, end_reason="logout")
    dead = SocketToken(other.family_id, other.kid)
    unknown = SocketToken(other.session_id, other.kid)
    assert dead_tokens(among=[token, dead, unknown], now=now) == {dead, unknown}


def test_a_key_that_was_withdrawn_ends_its_tokens(token, now):
    SigningKey.objects.filter(pk=token.kid).update(expires_at=now)
    assert dead_tokens(among=[token], now=now) == {token}


def test_the_idle_lifetime_of_a_session_ends(now):
    pair = open_session(now=now)
    claims, family = claims_of(pair), family_of(pair)
    token = SocketToken(claims.family_id, claims.kid)
    assert dead_tokens(among=[token], now=family.expires_at - timedelta(seconds=1)) == frozenset()
    assert dead_tokens(among=[token], now=family.expires_at) == {token}


def test_nothing_is_asked_about_nothing(now, django_assert_num_queries):
    with django_assert_num_queries(0):
        assert dead_tokens(among=[], now=now) == frozenset()
