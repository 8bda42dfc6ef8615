"""Streams that are polled (RFC 8936)."""

import pytest
from django.utils import timezone

from security_events.models import Sink
from tests.factories.accounts import UserFactory
from tests.factories.signals import (
    ASSURANCE_LEVEL_CHANGE,
    CREDENTIAL_CHANGE,
    REMOVE,
    SESSION_REVOKED,
    STATUS,
    VERIFICATION,
    VERIFY,
    Receiver,
    deliver,
    event_of,
    sign_out,
)
from tests.factories.tokens import open_session
from tokens.models import PendingSignal, SignalStream
from tokens.services.shared_signals import signal_queue

pytestmark = pytest.mark.django_db(transaction=True)


def end_sessions(count, user=None):
    user = user or UserFactory()
    return [str(sign_out(open_session(user=user))) for _ in range(count)]


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

    def test_gives_the_oldest_first_and_says_that_there_are_more(self, receiver):
        stream = receiver.create()
        ended = end_sessions(3)
        deliver(stream)

        assert receiver.poll(stream, maxEvents=0) == {"sets": {}, "moreAvailable": True}
        answer = receiver.poll(stream, maxEvents=2, returnImmediately=True)
        found = [receiver.verified(token)["sub_id"]["session"]["id"] for token in answer["sets"].values()]
        assert (found, answer["moreAvailable"]) == (ended[:2], True)
        rest = receiver.poll(stream, ack=list(answer["sets"]))
        assert (len(rest["sets"]), rest["moreAvailable"]) == (1, False)

    def test_counts_what_the_receiver_calls_wrong_and_gives_it_no_more(self, receiver):
        stream = receiver.create()
        end_sessions(1)
        deliver(stream)
        (jti,) = receiver.poll(stream)["sets"]
        errors = {jti: {"err": "invalid_key", "description": "secret"}, "foreign": {"err": "invalid_key"}}

        assert receiver.poll(stream, setErrs=errors)["sets"] == {}
        found = SignalStream.objects.get()
        assert (found.refusals, found.last_refusal) == (1, "invalid_key")

    @pytest.mark.parametrize(
        "body",
        [
            {"maxEvents": -1},
            {"maxEvents": "2"},
            {"maxEvents": True},
            {"returnImmediately": 1},
            {"ack": "x"},
            {"ack": [1]},
            {"ack": ["x" * 129]},
            {"setErrs": []},
            {"setErrs": {"x": "invalid"}},
        ],
        ids=repr,
    )
    def test_refuses_what_is_no_poll(self, receiver, body):
        stream_id = receiver.create()["stream_id"]
        answer = receiver.call("POST", f"/ssf/poll/{stream_id}", body)
        assert (answer.status_code, answer.json()["code"]) == (400, "validation_error")

    def test_is_no_way_to_a_stream_that_is_pushed(self, receiver, push_stream):
        assert receiver.call("POST", f"/ssf/poll/{push_stream['stream_id']}", {}).status_code == 400


class TestQueue:
    def test_holds_no_more_than_it_may_and_loses_nothing(self, receiver, monkeypatch):
        monkeypatch.setattr(signal_queue, "MAX_PENDING", 2)
        stream = receiver.create()
        ended, found = end_sessions(5), []
        while claims := receiver.polled(stream):
            assert len(claims) <= 2
            found += [each["sub_id"]["session"]["id"] for each in claims]

        assert found == ended
        assert Sink.objects.get(pk=stream["stream_id"]).next_attempt_at is None

    def test_gives_a_signal_again_under_the_same_id_when_a_process_was_killed_in_between(self, receiver):
        """The position is stored after the queue: what was queued before the end of the process is queued again."""
        stream = receiver.create()
        before = Sink.objects.values("transaction_id", "event_id").get(pk=stream["stream_id"])
        end_sessions(1)
        deliver(stream)
        first = receiver.poll(stream)["sets"]
        Sink.objects.filter(pk=stream["stream_id"]).update(**before)
        deliver(stream)

        assert receiver.poll(stream)["sets"] == first

    def test_gives_nothing_while_paused_and_forgets_while_disabled(self, receiver):
        stream = receiver.create()
        stream_id = stream["stream_id"]
        end_sessions(1)
        deliver(stream)
        receiver.call("POST", STATUS, {"stream_id": stream_id, "status": "paused"})
        assert receiver.poll(stream)["sets"] == {}
        receiver.call("POST", STATUS, {"stream_id": stream_id, "status": "enabled"})
        assert len(receiver.poll(stream)["sets"]) == 1

        receiver.call("POST", STATUS, {"stream_id": stream_id, "status": "disabled"})
        assert PendingSignal.objects.count() == 0
        receiver.call("POST", STATUS, {"stream_id": stream_id, "status": "enabled"})
        assert receiver.polled(stream) == []

    def test_has_one_verification_at_most(self, receiver):
        stream = receiver.create()
        for state in ("first", "second"):
            SignalStream.objects.update(verified_at=None)
            receiver.call("POST", VERIFY, {"stream_id": stream["stream_id"], "state": state})

        assert [event_of(claims) for claims in receiver.polled(stream)] == [(VERIFICATION, {"state": "second"})]


class TestStreams:
    def test_have_what_they_asked_for(self, api, receiver):
        stream = receiver.create(events_requested=[CREDENTIAL_CHANGE, ASSURANCE_LEVEL_CHANGE])
        end_sessions(1)

        assert receiver.polled(stream) == []

    def test_leave_out_the_subjects_that_were_removed(self, receiver):
        stream = receiver.create()
        user, other = UserFactory(), UserFactory()
        person = {"format": "iss_sub", "iss": stream["iss"], "sub": str(user.pk)}
        receiver.call("POST", REMOVE, {"stream_id": stream["stream_id"], "subject": person})
        pair = open_session(user=other)
        session = {"format": "opaque", "id": str(pair.session_id)}
        removed = {"format": "complex", "user": {**person, "sub": str(other.pk)}, "session": session}
        receiver.call("POST", REMOVE, {"stream_id": stream["stream_id"], "subject": removed})
        end_sessions(1, user)
        sign_out(pair)
        ended = end_sessions(1, other)

        assert [claims["sub_id"]["session"]["id"] for claims in receiver.polled(stream)] == ended

    def test_name_people_by_confirmed_addresses_where_the_operator_allows_it(self, receiver, settings):
        settings.TOKENS = {**settings.TOKENS, "SSF_EMAIL_SUBJECTS": True}
        stream = receiver.create(format="email")
        end_sessions(1, UserFactory(email="mina@example.com"))
        unconfirmed = UserFactory(email="victim@example.com", email_confirmed_at=None)
        end_sessions(1, unconfirmed)
        gone = UserFactory()
        end_sessions(1, gone)
        gone.delete()

        users = [claims["sub_id"]["user"] for claims in receiver.polled(stream)]
        assert users[0] == {"format": "email", "email": "mina@example.com"}
        assert [user["format"] for user in users[1:]] == ["iss_sub", "iss_sub"]
        settings.TOKENS = {**settings.TOKENS, "SSF_EMAIL_SUBJECTS": False}
        end_sessions(1, UserFactory())
        assert receiver.polled(stream)[0]["sub_id"]["user"]["format"] == "iss_sub"


@pytest.mark.attack("OWASP ASVS 5.0, 8.2.2")
class TestOthers:
    def test_neither_see_nor_change_nor_acknowledge(self, api, receiver):
        stream = receiver.create()
        end_sessions(1)
        deliver(stream)
        (jti,) = receiver.poll(stream)["sets"]
        other = Receiver(api, name="other")
        own = other.create()
        stream_id = stream["stream_id"]
        person = {"format": "iss_sub", "iss": stream["iss"], "sub": "1"}
        calls = [
            ("GET", f"/ssf/streams?stream_id={stream_id}", None),
            ("PATCH", "/ssf/streams", {"stream_id": stream_id}),
            ("PUT", "/ssf/streams", {"stream_id": stream_id}),
            ("DELETE", f"/ssf/streams?stream_id={stream_id}", None),
            ("GET", f"/ssf/status?stream_id={stream_id}", None),
            ("POST", "/ssf/status", {"stream_id": stream_id, "status": "disabled"}),
            ("POST", "/ssf/verification", {"stream_id": stream_id}),
            ("POST", "/ssf/subjects/add", {"stream_id": stream_id, "subject": person}),
            ("POST", "/ssf/subjects/remove", {"stream_id": stream_id, "subject": person}),
            ("POST", f"/ssf/poll/{stream_id}", {"ack": [jti]}),
        ]
        answers = {other.call(*call).status_code for call in calls}

        assert answers == {404}
        assert other.call("GET", "/ssf/streams").json() == [own]
        other.poll(own, ack=[jti], setErrs={jti: {"err": "invalid_key"}})
        assert list(receiver.poll(stream)["sets"]) == [jti]
        assert SignalStream.objects.get(pk=stream_id).refusals == 0

    def test_get_tokens_of_their_own(self, api, receiver):
        stream = receiver.create()
        other = Receiver(api, name="other")
        theirs = other.create()
        end_sessions(1)

        ((first,), (second,)) = receiver.polled(stream), other.polled(theirs)
        assert first["aud"] != second["aud"]
        assert first["jti"] != second["jti"]
        assert first["events"] == second["events"]

    def test_can_not_acknowledge_again_what_comes_later(self, receiver):
        stream = receiver.create()
        end_sessions(1)
        deliver(stream)
        (jti,) = receiver.poll(stream)["sets"]
        for _ in range(2):
            receiver.poll(stream, ack=[jti])
        ended = end_sessions(1)
        receiver.poll(stream, ack=[jti])

        assert [claims["sub_id"]["session"]["id"] for claims in receiver.polled(stream)] == ended

    def test_make_no_flood_of_streams(self, api, receiver):
        for _ in range(10):
            receiver.create()
        refused = receiver.call("POST", "/ssf/streams", {})
        assert (refused.status_code, refused.json()["code"]) == (409, "already_exists")
        Receiver(api, name="other").create()
        assert SignalStream.objects.count() == 11
        assert timezone.now() > SignalStream.objects.latest("created_at").created_at
