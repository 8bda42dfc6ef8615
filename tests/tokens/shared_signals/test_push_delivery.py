"""Streams that are pushed (RFC 8935)."""

from datetime import timedelta

import pytest
from django.utils import timezone

from security_events.models import Sink
from tests.factories.accounts import UserFactory
from tests.factories.service_clients import operator
from tests.factories.signals import (
    SESSION_REVOKED,
    STATUS,
    STREAM_UPDATED,
    VERIFICATION,
    VERIFY,
    deliver,
    event_of,
    sign_out,
)
from tests.factories.tokens import open_session
from tokens.models import SignalStream, StreamStatus
from tokens.services import service_clients
from tokens.services.shared_signals import stream_status

pytestmark = pytest.mark.django_db(transaction=True)
HOUR = timedelta(hours=1)


def end_sessions(count):
    """End sessions one after the other; return their ids in this order."""
    user = UserFactory()
    return [str(sign_out(open_session(user=user))) for _ in range(count)]


def sessions(receiver, tokens):
    return [receiver.verified(token)["sub_id"]["session"]["id"] for token in tokens]


class TestPush:
    def test_sends_each_token_once_in_order_with_the_receivers_credential(self, receiver, pushed_to, push_stream):
        ended = end_sessions(3)
        deliver(push_stream)

        assert sessions(receiver, pushed_to.tokens) == ended
        headers, _token = pushed_to.requests[0]
        assert headers["Authorization"] == "Bearer receiver-secret"
        assert headers["Content-Type"] == "application/secevent+jwt"
        deliver(push_stream)
        assert len(pushed_to.requests) == 3

    @pytest.mark.parametrize("answer", [(500, None), (200, None), (302, None), (400, None), (400, {"err": 7})])
    def test_sends_the_same_token_again_after_any_other_answer(self, receiver, pushed_to, push_stream, answer):
        end_sessions(2)
        pushed_to.answers = [answer]
        deliver(push_stream)
        assert len(pushed_to.tokens) == 1
        assert Sink.objects.get(pk=push_stream["stream_id"]).last_error == f"HTTP {answer[0]}"

        deliver(push_stream, now=timezone.now() + HOUR)
        first, again, second = pushed_to.tokens
        assert first == again != second

    @pytest.mark.parametrize("code", ["invalid_request", "invalid_audience", "of_our_own"])
    def test_leaves_out_a_token_that_the_receiver_calls_wrong(self, receiver, pushed_to, push_stream, code, caplog):
        ended = end_sessions(2)
        pushed_to.answers = [(400, {"err": code, "description": "Bearer receiver-secret"})]
        deliver(push_stream)

        assert sessions(receiver, pushed_to.tokens) == ended
        stream = SignalStream.objects.get()
        assert (stream.refusals, stream.last_refusal) == (1, code)
        assert "signal_refused" in caplog.text
        assert "receiver-secret" not in caplog.text

    def test_waits_for_a_receiver_that_does_not_trust_it_yet(self, pushed_to, push_stream):
        end_sessions(1)
        pushed_to.answers = [(400, {"err": "authentication_failed"})]
        deliver(push_stream)
        deliver(push_stream, now=timezone.now() + HOUR)

        assert len(pushed_to.tokens) == 2
        assert SignalStream.objects.get().refusals == 0

    def test_waits_as_long_as_the_receiver_is_down(self, receiver, pushed_to, push_stream):
        ended = end_sessions(2)
        pushed_to.answers = [(503, None)] * 5
        now = timezone.now()
        for _ in range(6):
            deliver(push_stream, now=now)
            now += timedelta(days=1)

        assert sessions(receiver, pushed_to.tokens[5:]) == ended

    @pytest.mark.attack("OWASP ASVS 5.0, 1.3.6")
    def test_connects_to_no_private_address(self, pushed_to, push_stream, settings):
        settings.CEDRINA_BASE = {**settings.CEDRINA_BASE, "OUTBOUND_ALLOWED_NETWORKS": []}
        end_sessions(1)
        deliver(push_stream)

        assert pushed_to.requests == []
        assert Sink.objects.get(pk=push_stream["stream_id"]).last_error == "forbidden_address"


class TestVerification:
    def test_is_pushed_with_the_state_of_the_request(self, receiver, pushed_to, push_stream):
        receiver.call("POST", VERIFY, {"stream_id": push_stream["stream_id"], "state": "now"})
        deliver(push_stream)

        claims = receiver.verified(pushed_to.tokens[0])
        assert event_of(claims) == (VERIFICATION, {"state": "now"})
        assert claims["sub_id"] == {"format": "opaque", "id": push_stream["stream_id"]}


class TestStatus:
    def test_holds_signals_while_paused(self, receiver, pushed_to, push_stream):
        stream_id = push_stream["stream_id"]
        receiver.call("POST", STATUS, {"stream_id": stream_id, "status": "paused"})
        ended = end_sessions(1)
        deliver(push_stream)
        assert pushed_to.requests == []

        receiver.call("POST", STATUS, {"stream_id": stream_id, "status": "enabled"})
        deliver(push_stream)
        assert sessions(receiver, pushed_to.tokens) == ended

    def test_drops_signals_while_disabled(self, receiver, pushed_to, push_stream):
        stream_id = push_stream["stream_id"]
        receiver.call("POST", STATUS, {"stream_id": stream_id, "status": "disabled"})
        end_sessions(1)
        deliver(push_stream)
        receiver.call("POST", STATUS, {"stream_id": stream_id, "status": "enabled"})
        ended = end_sessions(1)
        deliver(push_stream)

        assert sessions(receiver, pushed_to.tokens) == ended

    def test_tells_the_receiver_what_an_operator_does(self, receiver, pushed_to, push_stream):
        stream = SignalStream.objects.get()
        boss = operator().subject
        for status in (StreamStatus.PAUSED, StreamStatus.ENABLED):
            arguments = {"status": status, "actor": boss, "note": "a secret of ours", "now": timezone.now()}
            assert stream_status.set_by_operator(stream_id=stream.pk, **arguments)
            assert not stream_status.set_by_operator(stream_id=stream.pk, **arguments)
            end_sessions(1)
            deliver(push_stream)
            enabled = receiver.call("POST", STATUS, {"stream_id": push_stream["stream_id"], "status": "enabled"})
            assert enabled.status_code == (403 if status == StreamStatus.PAUSED else 200)

        events = [event_of(receiver.verified(token)) for token in pushed_to.tokens]
        assert [uri for uri, _event in events] == [STREAM_UPDATED, STREAM_UPDATED, SESSION_REVOKED, SESSION_REVOKED]
        reason = "Set by an operator of the transmitter."
        assert events[0][1] == {"status": "paused", "reason": reason}
        assert events[1][1] == {"status": "enabled", "reason": reason}

    @pytest.mark.attack("OWASP ASVS 5.0, 8.3.2")
    @pytest.mark.parametrize("members", [{"is_enabled": False}, {"members": {"scopes": ["tokens:introspect"]}}])
    def test_ends_with_the_right_of_its_owner(self, receiver, pushed_to, push_stream, members):
        service_clients.change(
            client_id=receiver.client.pk,
            **{"members": {}, **members},
            operator=operator(),
            now=timezone.now(),
        )
        end_sessions(1)
        for _ in range(2):
            deliver(push_stream)

        assert SignalStream.objects.get().status == StreamStatus.PAUSED
        (token,) = pushed_to.tokens
        assert event_of(receiver.verified(token))[0] == STREAM_UPDATED
        arguments = {"status": StreamStatus.ENABLED, "actor": operator().subject, "note": "", "now": timezone.now()}
        assert not stream_status.set_by_operator(stream_id=SignalStream.objects.get().pk, **arguments)

    def test_ends_with_its_owner(self, receiver, pushed_to, push_stream):
        service_clients.delete(client_id=receiver.client.pk, operator=operator(), now=timezone.now())
        end_sessions(1)
        deliver(push_stream)

        assert pushed_to.requests == []
        assert not Sink.objects.filter(pk=push_stream["stream_id"]).exists()
