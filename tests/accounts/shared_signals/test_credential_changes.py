"""Changed credentials send ``credential-change``, and a first second factor ``assurance-level-change``."""

import pytest
from django.utils import timezone
from rest_framework.test import APIClient

from accounts.event_types import SOCIAL_ACCOUNT_LINKED
from accounts.services.factors import recovery_codes, totp_enrolment
from accounts.services.mailing import mail_queue
from accounts.services.profile import takeover
from accounts.services.social import connections
from security_events.services import recording
from tests import mailbox
from tests.accounts.shared_signals.session_end_ways import (
    World,
    change_password,
    reset_password,
    reset_the_second_factors,
    set_a_password_by_a_command,
)
from tests.factories import social
from tests.factories.accounts import PASSWORD, UserFactory
from tests.factories.factors import add_key, add_totp, code_of
from tests.factories.signals import ASSURANCE_LEVEL_CHANGE, CREDENTIAL_CHANGE, Receiver, event_of
from tests.factories.tokens import open_session
from tokens.shared_signals.event_uris import SUPPORTED
from tokens.users import subject_of

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("empty_queue")]


@pytest.fixture
def receiver(api):
    return Receiver(api)


@pytest.fixture
def stream(receiver):
    return receiver.create(events_requested=[CREDENTIAL_CHANGE, ASSURANCE_LEVEL_CHANGE])


def changes(receiver, stream):
    """Return (type, change, initiating entity) of each changed credential."""
    found = []
    for claims in receiver.polled(stream):
        uri, event = event_of(claims)
        assert event["reason_admin"]["en"]
        assert claims["sub_id"]["user"]["format"] == "iss_sub"
        if uri == CREDENTIAL_CHANGE:
            assert "session" not in claims["sub_id"]
            found.append((event["credential_type"], event["change_type"], event["initiating_entity"]))
    return found


class TestPassword:
    @pytest.mark.parametrize(
        ("act", "entity"),
        [(change_password, "user"), (reset_password, "user"), (set_a_password_by_a_command, "admin")],
        ids=lambda value: getattr(value, "__name__", value),
    )
    def test_is_updated(self, receiver, stream, act, entity):
        act(World())
        assert changes(receiver, stream) == [("password", "update", entity)]

    def test_is_revoked_by_a_report_of_a_takeover(self, receiver, stream):
        user = UserFactory(raw_password=PASSWORD)
        mail_queue.enqueue(user_id=user.pk, kind=mail_queue.MailKind.PASSWORD_CHANGED)
        takeover.report(token=mailbox.token_in(mailbox.work()[-1]), now=timezone.now())

        assert changes(receiver, stream) == [("password", "revoke", "user")]


class TestFactors:
    def test_are_created_and_deleted(self, receiver, stream):
        user = UserFactory(raw_password=PASSWORD)
        session_id = open_session(user=user).session_id
        add_totp(user, session_id=session_id)
        add_key(user, session_id=session_id)
        recovery_codes.regenerate(user=user, session_id=session_id, now=timezone.now())
        totp_enrolment.remove(user=user, session_id=session_id, now=timezone.now())

        assert changes(receiver, stream) == [
            ("app", "create", "user"),
            ("fido2-roaming", "create", "user"),
            ("recovery-code", "update", "user"),
            ("app", "delete", "user"),
        ]

    def test_are_deleted_by_an_operator(self, receiver, stream):
        reset_the_second_factors(World())

        assert sorted(changes(receiver, stream)) == [
            ("app", "create", "user"),
            ("app", "delete", "admin"),
            ("recovery-code", "delete", "admin"),
        ]


class TestIdentityProviders:
    def test_are_connected_and_disconnected(self, receiver, stream):
        user, now = UserFactory(raw_password=PASSWORD), timezone.now()
        subject = subject_of(user)
        recording.record(SOCIAL_ACCOUNT_LINKED, actor=subject, target=subject, data={"provider": "fake"}, now=now)
        link = social.link(user, now=now)
        connections.unlink(user=user, link_id=link.id, now=now)

        assert changes(receiver, stream) == [
            ("federated-identity", "create", "user"),
            ("federated-identity", "delete", "user"),
        ]


class TestAssuranceLevel:
    def test_rises_once_when_a_session_shows_a_second_factor(self, receiver, stream):
        user = UserFactory(raw_password=PASSWORD)
        secret, _codes = add_totp(user)
        receiver.polled(stream)
        pair = open_session(user=user)
        api = APIClient()
        api.credentials(HTTP_AUTHORIZATION=f"Bearer {pair.access_token}")
        for steps in (0, 1):
            body = {"code": code_of(secret, steps=steps)}
            assert api.post("/api/v1/auth/reauthenticate", body, format="json").status_code == 200

        ((claims),) = receiver.polled(stream)
        assert claims["sub_id"]["session"]["id"] == str(pair.session_id)
        uri, event = event_of(claims)
        assert uri == ASSURANCE_LEVEL_CHANGE
        assert (event["namespace"], event["previous_level"], event["current_level"], event["change_direction"]) == (
            "NIST-AAL",
            "nist-aal1",
            "nist-aal2",
            "increase",
        )

    def test_rises_when_a_session_adds_the_first_factor(self, receiver, stream):
        add_totp(UserFactory(raw_password=PASSWORD))
        uris = [event_of(claims)[0] for claims in receiver.polled(stream)]

        assert uris == [CREDENTIAL_CHANGE, ASSURANCE_LEVEL_CHANGE]
        assert set(uris) < set(SUPPORTED)
