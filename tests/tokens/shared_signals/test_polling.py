"""Streams that are polled (RFC 8936)."""

import pytest
from django.utils import timezone

from tests.factories.accounts import UserFactory
from tests.factories.signals import SESSION_REVOKED, Receiver, deliver, event_of
from tests.factories.tokens import claims_of, open_session
from tokens.services import revocation

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def receiver(api):
    return Receiver(api)


def sign_out(pair):
    assert revocation.log_out(claims=claims_of(pair), now=timezone.now()) == 1


class TestPoll:
    def test_gives_a_signed_signal_until_it_is_acknowledged(self, receiver):
        user = UserFactory()
        stream = receiver.create()
        pair = open_session(user=user)
        sign_out(pair)
        deliver(stream)

        first, again = receiver.poll(stream), receiver.poll(stream)
        assert first == again
        ((jti, token),) = first["sets"].items()
        claims = receiver.verified(token)
        uri, event = event_of(claims)
        assert (claims["jti"], uri) == (jti, SESSION_REVOKED)
        assert claims["sub_id"] == {
            "format": "complex",
            "user": {"format": "iss_sub", "iss": stream["iss"], "sub": str(user.pk)},
            "session": {"format": "opaque", "id": str(pair.session_id)},
        }
        assert event["initiating_entity"] == "user"
        assert event["reason_admin"] == {"en": "signed out (logout)"}
        assert set(event["reason_user"]) == {"en", "es", "fa", "ar"}
        assert receiver.poll(stream, ack=[jti]) == {"sets": {}, "moreAvailable": False}
