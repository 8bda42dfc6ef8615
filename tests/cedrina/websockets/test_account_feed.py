"""`/ws/account/`: what a person is told, and what not."""

import pytest
from django.utils import timezone

from accounts.services.profile.account_notices import NOTICES, RISK_NOTICE
from security_events import event_types as detection
from security_events.catalogue import CATALOGUE
from security_events.services import recording
from security_events.types import Subject
from tests.accounts.shared_signals.session_end_ways import client_of
from tests.clients.socket_threads import SocketThread
from tests.factories.accounts import PASSWORD, UserFactory
from tests.factories.tokens import open_session
from tokens.types import ClientContext

API = "/api/v1"
ANDROID = "Mozilla/5.0 (Android 15; Mobile; rv:140.0) Gecko/140.0 Firefox/140.0"
PHONE = ClientContext(ip_address="203.0.113.9", user_agent=ANDROID)


def types_of(frames):
    return [frame["type"] for frame in frames]


@pytest.mark.django_db(transaction=True)
class TestAccount:
    def test_tells_of_a_sign_in_on_a_phone_with_what_it_takes_to_end_it(self):
        user = UserFactory()
        own = open_session(user=user)
        with SocketThread() as sockets:
            page = sockets.open("/ws/account/", own.access_token)
            spanish = sockets.open("/ws/account/", own.access_token, language="es")
            phone = open_session(user=user, client=PHONE)
            (created,) = sockets.frames_of(page, 1)
            assert sockets.frames_of(spanish, 1)[0]["session"]["device"] == "Firefox Mobile en Android"
            on_phone = sockets.open("/ws/account/", phone.access_token)
            assert client_of(own).delete(f"{API}/auth/sessions/{created['session']['id']}").status_code == 204
            (ended,) = sockets.frames_of(page, 1)
            assert sockets.end_of(on_phone)[0] == 4408
            assert sockets.is_open(page)

        assert created["type"] == "session.created"
        assert created["session"] == {
            "id": str(phone.session_id),
            "current": False,
            "device": "Firefox Mobile on Android",
            "ip_address": "203.0.113.9",
            "location": None,
        }
        assert created["details"] == {"amr": ["pwd"]}
        assert (ended["type"], ended["session"]["id"]) == ("session.revoked", str(phone.session_id))
        assert ended["details"] == {"reason": "ended_by_owner"}

    def test_tells_of_a_changed_password_before_it_ends_with_its_token(self):
        user = UserFactory(raw_password=PASSWORD)
        own = open_session(user=user)
        with SocketThread() as sockets:
            page = sockets.open("/ws/account/", own.access_token)
            open_session()
            body = {"old_password": PASSWORD, "new_password": "copper lantern seven owls"}
            assert client_of(own).put(f"{API}/auth/change-password", body, format="json").status_code == 200
            assert types_of(sockets.frames_of(page, 1)) == ["password.changed"]
            assert sockets.end_of(page)[0] == 4408

    def test_tells_of_a_risk_without_the_rule(self):
        user = UserFactory()
        with SocketThread() as sockets:
            page = sockets.open("/ws/account/", open_session(user=user).access_token)
            recording.record(
                detection.RESPONSE_STARTED,
                target=Subject(id=str(user.pk)),
                data={"incident": "1", "rule": "secret_rule", "response": "2", "kind": "step_up", "ends_at": "soon"},
                now=timezone.now(),
            )
            (frame,) = sockets.frames_of(page, 1)
        assert frame["type"] == RISK_NOTICE
        assert frame["details"] == {"response": "step_up", "ends_at": "soon"}
        assert "secret_rule" not in str(frame)

    def test_tells_an_operator_nothing_of_those_they_act_on(self):
        admin, user = UserFactory(admin=True), UserFactory()
        open_session(user=user)
        token = open_session(user=admin)
        with SocketThread() as sockets:
            page = sockets.open("/ws/account/", token.access_token)
            reason = {"reason": "asked for by telephone"}
            path = f"{API}/admin/users/{user.pk}/logout"
            assert client_of(token).post(path, reason, format="json").status_code == 200
            open_session(user=admin, client=PHONE)
            (frame,) = sockets.frames_of(page, 1)
        assert (frame["type"], frame["session"]["ip_address"]) == ("session.created", "203.0.113.9")


def test_each_event_that_is_told_is_declared():
    assert NOTICES.keys() <= CATALOGUE.keys()
