"""The configuration, status, subject and verification endpoints (Shared Signals Framework 1.0, 8.1)."""

from datetime import timedelta

import pytest
from django.db import connection
from django.utils import timezone

from security_events.models import Sink
from tests.factories.accounts import UserFactory
from tests.factories.signals import (
    ADD,
    CREDENTIAL_CHANGE,
    POLL,
    PUSH,
    REMOVE,
    SESSION_REVOKED,
    STATUS,
    STREAMS,
    VERIFY,
    Receiver,
)
from tests.factories.tokens import open_session
from tokens.models import ExcludedSubject, SignalStream
from tokens.services.shared_signals import streams

pytestmark = pytest.mark.django_db
TO_RECEIVER = {"method": PUSH, "endpoint_url": "https://receiver.example.com/events"}
WITH_CREDENTIAL = {**TO_RECEIVER, "authorization_header": "Bearer receiver-secret"}


def change(receiver, stream, method="PATCH", **members):
    return receiver.call(method, STREAMS, {"stream_id": stream["stream_id"], **members})


def credential_of(stream):
    return SignalStream.objects.get(pk=stream["stream_id"]).authorization_header


class TestDiscovery:
    def test_names_what_the_interoperability_profile_asks_for(self, api):
        answer = api.get("/.well-known/ssf-configuration")

        assert (answer.status_code, answer["Content-Type"]) == (200, "application/json")
        issuer = "http://127.0.0.1:8000"
        assert answer.json() == {
            "spec_version": "1_0",
            "issuer": issuer,
            "jwks_uri": f"{issuer}/.well-known/jwks.json",
            "delivery_methods_supported": [PUSH, POLL],
            "configuration_endpoint": f"{issuer}/ssf/streams",
            "status_endpoint": f"{issuer}/ssf/status",
            "add_subject_endpoint": f"{issuer}/ssf/subjects/add",
            "remove_subject_endpoint": f"{issuer}/ssf/subjects/remove",
            "verification_endpoint": f"{issuer}/ssf/verification",
            "critical_subject_members": ["user"],
            "authorization_schemes": [{"spec_urn": "urn:ietf:rfc:6749"}],
            "default_subjects": "ALL",
        }

    def test_tells_clients_which_scopes_they_need(self, api):
        found = api.get("/.well-known/oauth-protected-resource/ssf").json()

        assert found["resource"] == "http://127.0.0.1:8000/ssf"
        assert found["scopes_supported"] == ["ssf:manage", "ssf:read"]


class TestStreams:
    def test_are_polled_unless_the_receiver_says_otherwise(self, receiver):
        stream = receiver.create(description="for the SIEM")

        assert stream["delivery"] == {"method": POLL, "endpoint_url": f"{stream['iss']}/ssf/poll/{stream['stream_id']}"}
        assert stream["aud"] == str(receiver.client.pk)
        assert stream["events_delivered"] == stream["events_supported"] == stream["events_requested"]
        assert stream["description"] == "for the SIEM"
        assert receiver.call("GET", f"{STREAMS}?stream_id={stream['stream_id']}").json() == stream
        assert receiver.call("GET", STREAMS).json() == [stream]

    def test_deliver_what_was_requested_and_exists(self, receiver):
        requested = ["urn:example:unknown", CREDENTIAL_CHANGE]
        stream = receiver.create(events_requested=requested)

        assert (stream["events_requested"], stream["events_delivered"]) == (requested, [CREDENTIAL_CHANGE])

    def test_are_changed_member_by_member(self, receiver):
        stream = receiver.create(delivery=WITH_CREDENTIAL, description="old")
        changed = change(receiver, stream, events_requested=[SESSION_REVOKED], aud=stream["aud"])

        assert changed.status_code == 200
        assert changed.json() == {
            **stream,
            "events_requested": [SESSION_REVOKED],
            "events_delivered": [SESSION_REVOKED],
        }

    def test_are_replaced_as_a_whole(self, receiver):
        stream = receiver.create(delivery=WITH_CREDENTIAL, description="old", events_requested=[SESSION_REVOKED])
        replaced = change(receiver, stream, "PUT").json()

        assert replaced["delivery"]["method"] == POLL
        assert replaced["events_requested"] == stream["events_supported"]
        assert "description" not in replaced
        assert Sink.objects.get(pk=stream["stream_id"]).kind == streams.POLL_KIND

    def test_are_deleted_with_their_sink(self, receiver):
        stream = receiver.create()
        path = f"{STREAMS}?stream_id={stream['stream_id']}"

        assert receiver.call("DELETE", path).status_code == 204
        assert receiver.call("GET", path).status_code == 404
        assert not Sink.objects.filter(pk=stream["stream_id"]).exists()

    @pytest.mark.parametrize(
        ("member", "value"),
        [
            ("iss", "https://elsewhere.example"),
            ("aud", "another"),
            ("events_delivered", []),
            ("events_supported", [SESSION_REVOKED]),
            ("min_verification_interval", True),
        ],
    )
    def test_keep_what_only_the_transmitter_sets(self, receiver, member, value):
        answer = change(receiver, receiver.create(), **{member: value})

        assert (answer.status_code, answer.json()["code"]) == (400, "validation_error")
        assert member in answer.json()["detail"]

    @pytest.mark.parametrize(
        "members",
        [
            {"description": "two\nlines"},
            {"description": 7},
            {"description": "x" * 501},
            {"events_requested": []},
            {"events_requested": "all"},
            {"events_requested": ["x" * 256]},
            {"events_requested": [f"urn:example:{number}" for number in range(51)]},
            {"format": "email"},
            {"format": "phone_number"},
            {"delivery": "push"},
            {"delivery": {"method": "urn:ietf:rfc:9999"}},
            {"delivery": {"method": [PUSH]}},
            {"delivery": {"method": PUSH}},
            {"delivery": {**TO_RECEIVER, "endpoint_url": "https://user:secret@receiver.example.com/"}},
            {"delivery": {**TO_RECEIVER, "endpoint_url": "https://receiver.example.com/ events"}},
            {"delivery": {**TO_RECEIVER, "endpoint_url": "https://[::1"}},
            {"delivery": {**TO_RECEIVER, "endpoint_url": "ftp://receiver.example.com/"}},
            {"delivery": {**TO_RECEIVER, "authorization_header": "Bearer x\r\nHost: other"}},
            {"delivery": {**TO_RECEIVER, "authorization_header": ""}},
        ],
        ids=repr,
    )
    def test_refuse_what_can_not_be(self, receiver, members):
        answer = receiver.call("POST", STREAMS, members)

        assert (answer.status_code, answer.json()["code"]) == (400, "validation_error")
        assert "secret" not in answer.content.decode()
        assert SignalStream.objects.count() == 0

    @pytest.mark.parametrize("body", [[], "text", 7])
    def test_take_objects_only(self, receiver, body):
        assert receiver.call("POST", STREAMS, body).status_code == 400

    def test_are_named_by_their_id(self, receiver):
        assert receiver.call("PATCH", STREAMS, {}).status_code == 400
        assert receiver.call("PATCH", STREAMS, {"stream_id": ["x"]}).status_code == 404
        assert receiver.call("GET", f"{STREAMS}?stream_id=").status_code == 404
        assert receiver.call("GET", STATUS).status_code == 400


class TestCredentials:
    def test_are_stored_encrypted_and_never_shown(self, receiver):
        stream = receiver.create(delivery=WITH_CREDENTIAL)

        assert "authorization_header" not in stream["delivery"]
        assert credential_of(stream) == "Bearer receiver-secret"
        with connection.cursor() as cursor:
            cursor.execute("SELECT row_to_json(s)::text FROM tokens_signalstream s")
            assert "receiver-secret" not in cursor.fetchone()[0]

    def test_stay_while_the_address_stays(self, receiver):
        stream = receiver.create(delivery=WITH_CREDENTIAL)
        assert change(receiver, stream, delivery=TO_RECEIVER, description="new").status_code == 200
        assert credential_of(stream) == "Bearer receiver-secret"

        change(receiver, stream, delivery={**TO_RECEIVER, "authorization_header": None})
        assert credential_of(stream) == ""

    @pytest.mark.attack("CWE-522")
    @pytest.mark.parametrize("address", ["https://attacker.example/events", f"{TO_RECEIVER['endpoint_url']}/2"])
    def test_do_not_go_to_another_address(self, receiver, address):
        stream = receiver.create(delivery=WITH_CREDENTIAL)
        change(receiver, stream, delivery={**TO_RECEIVER, "endpoint_url": address})

        assert credential_of(stream) == ""


class TestStatus:
    def test_is_what_the_receiver_sets(self, receiver):
        stream_id = receiver.create()["stream_id"]
        assert receiver.call("GET", f"{STATUS}?stream_id={stream_id}").json() == {
            "stream_id": stream_id,
            "status": "enabled",
        }
        wanted = {"stream_id": stream_id, "status": "paused", "reason": "maintenance"}

        assert receiver.call("POST", STATUS, wanted).json() == wanted
        assert receiver.call("GET", f"{STATUS}?stream_id={stream_id}").json() == wanted
        assert not Sink.objects.get(pk=stream_id).is_enabled

    @pytest.mark.parametrize("status", [None, "stopped", 1, ["paused"]])
    def test_is_one_of_three(self, receiver, status):
        stream_id = receiver.create()["stream_id"]
        assert receiver.call("POST", STATUS, {"stream_id": stream_id, "status": status}).status_code == 400


class TestVerification:
    def test_is_limited_in_its_frequency(self, receiver):
        body = {"stream_id": receiver.create()["stream_id"], "state": "\x01 any text"}

        assert receiver.call("POST", VERIFY, body).status_code == 204
        again = receiver.call("POST", VERIFY, body)
        assert (again.status_code, again.json()["code"]) == (429, "rate_limited")
        assert 0 < int(again["Retry-After"]) <= 30

    def test_refuses_a_state_that_is_none(self, receiver):
        stream_id = receiver.create()["stream_id"]
        for state in (7, {}, "x" * 1025):
            assert receiver.call("POST", VERIFY, {"stream_id": stream_id, "state": state}).status_code == 400

    def test_is_not_sent_by_a_stream_that_is_disabled(self, receiver):
        stream_id = receiver.create()["stream_id"]
        receiver.call("POST", STATUS, {"stream_id": stream_id, "status": "disabled"})

        assert receiver.call("POST", VERIFY, {"stream_id": stream_id}).status_code == 400


class TestSubjects:
    def test_are_removed_and_added_again(self, receiver):
        stream, user = receiver.create(), UserFactory()
        person = {"format": "iss_sub", "iss": stream["iss"], "sub": str(user.pk)}
        session = {"format": "complex", "user": person, "session": {"format": "opaque", "id": "1"}}
        body = {"stream_id": stream["stream_id"]}

        for subject in (person, session, person):
            assert receiver.call("POST", REMOVE, {**body, "subject": subject}).status_code == 204
        assert set(ExcludedSubject.objects.values_list("user_id", "session_id")) == {
            (str(user.pk), ""),
            (str(user.pk), "1"),
        }
        answer = receiver.call("POST", ADD, {**body, "subject": {"format": "complex", "user": person}})
        assert (answer.status_code, answer.content) == (200, b"")
        assert ExcludedSubject.objects.count() == 0

    @pytest.mark.attack("Shared Signals Framework 1.0, 10.1")
    def test_that_are_unknown_get_the_same_answer(self, receiver):
        stream = receiver.create()
        for subject in (
            {"format": "iss_sub", "iss": stream["iss"], "sub": "nobody"},
            {"format": "iss_sub", "iss": "https://elsewhere.example", "sub": "nobody"},
            {"format": "email", "email": "nobody@example.com"},
        ):
            body = {"stream_id": stream["stream_id"], "subject": subject}
            assert receiver.call("POST", ADD, body).status_code == 200
            assert receiver.call("POST", REMOVE, body).status_code == 204

    @pytest.mark.parametrize(
        "subject",
        [
            None,
            "person",
            {},
            {"format": "phone_number", "phone_number": "+1"},
            {"format": "iss_sub", "iss": "http://127.0.0.1:8000"},
            {"format": "iss_sub", "iss": "http://127.0.0.1:8000", "sub": "x" * 65},
            {"format": "complex"},
            {"format": "complex", "user": {"format": "email", "email": "a@example.com"}, "session": "1"},
        ],
        ids=repr,
    )
    def test_that_are_none_are_refused(self, receiver, subject):
        body = {"stream_id": receiver.create()["stream_id"], "subject": subject}
        assert receiver.call("POST", REMOVE, body).status_code == 400


class TestCallers:
    def test_need_a_scope(self, api):
        stranger = Receiver(api, name="stranger", scopes=["tokens:introspect"])
        answer = stranger.call("GET", STREAMS)

        assert answer.status_code == 403
        assert answer["WWW-Authenticate"] == 'Bearer error="insufficient_scope", scope="ssf:manage"'
        api.credentials()
        assert api.get(STREAMS).status_code == 401

    def test_read_by_a_scope_for_reading_and_change_nothing(self, api):
        reader = Receiver(api, name="reader", scopes=["ssf:read"])

        assert reader.call("GET", STREAMS).json() == []
        assert reader.call("POST", STREAMS, {}).status_code == 403

    def test_may_be_operators_who_confirm_who_they_are(self, api, settings):
        boss = UserFactory(admin=True)
        api.credentials(HTTP_AUTHORIZATION=f"Bearer {open_session(user=boss).access_token}")
        made = api.post(STREAMS, {}, format="json")
        assert made.status_code == 201
        assert made.json()["aud"] == made.json()["stream_id"]  # the person is no receiver

        old = open_session(user=boss, now=timezone.now() - timedelta(minutes=10))
        api.credentials(HTTP_AUTHORIZATION=f"Bearer {old.access_token}")
        assert api.get(STREAMS).status_code == 200
        refused = api.post(STREAMS, {}, format="json")
        assert (refused.status_code, refused.json()["code"]) == (403, "reauthentication_required")

    def test_are_no_other_people(self, api):
        api.credentials(HTTP_AUTHORIZATION=f"Bearer {open_session().access_token}")
        assert api.post(STREAMS, {}, format="json").status_code == 403
