"""What the event of a reuse says that could tell a thief from a restored backup; the session ends in any case."""

from datetime import timedelta

import pytest
from mmdb_writer import MMDBWriter
from netaddr import IPSet
from procrastinate.contrib.django.models import ProcrastinateJob

from security_events import context
from security_events.detection import rules
from security_events.detection.facts import fact_from
from security_events.detection.rules import RULES
from security_events.detection.windows import MemoryWindows
from security_events.event_form import EVENT_COLUMNS, event_form
from security_events.models import SecurityEvent
from tests.factories.accounts import UserFactory
from tests.factories.tokens import PHONE, open_session
from tokens import errors
from tokens.end_reasons import LOGOUT
from tokens.models import Session
from tokens.services import refresh_keys, revocation, rotation
from tokens.types import ClientContext

pytestmark = pytest.mark.django_db

MINUTE, HOUR, DAY = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)
NEWER_PHONE = ClientContext(ip_address="203.0.113.200", user_agent="Phone/1.1")
PHONE_AT_WORK = ClientContext(ip_address="198.51.100.4", user_agent="Phone/1.0")
LAPTOP = ClientContext(ip_address="203.0.113.9", user_agent="Laptop/1.0")


@pytest.fixture
def user():
    return UserFactory()


@pytest.fixture
def database_of_providers(settings, tmp_path):
    writer = MMDBWriter(4, "Test", languages=["en"], description="")
    writer.insert_network(IPSet(["198.51.100.0/23"]), {"autonomous_system_number": 64512})
    writer.insert_network(IPSet(["198.51.102.0/24"]), {"country": {"iso_code": "NO"}})
    writer.to_db_file(str(tmp_path / "networks.mmdb"))
    settings.SECURITY_EVENTS = {**settings.SECURITY_EVENTS, "GEOIP_PATHS": [str(tmp_path / "networks.mmdb")]}


def used(user, now, *, times=6, client=PHONE):
    """Open a session and refresh it a number of times, a quarter of an hour apart; return all pairs."""
    pairs = [open_session(user=user, now=now)]
    for number in range(1, times + 1):
        pairs.append(refresh(pairs[-1], client, now + number * 15 * MINUTE))
    return pairs


def refresh(pair, client, now):
    with context.bind(context.RequestContext(ip_address=client.ip_address, user_agent=client.user_agent)):
        return rotation.rotate(presented=pair.refresh_token, client=client, now=now)


def present(pair, client, now, error=errors.RefreshTokenReused):
    with pytest.raises(error):
        refresh(pair, client, now)


def evidence(pair):
    data = SecurityEvent.objects.get(session_id=pair.session_id, type="token.reuse_detected").data
    return {name: data[name] for name in ("generations_behind", "idle_seconds", "is_familiar_client")}


def findings(django_connection):
    rules.load()
    with django_connection.cursor() as cursor:
        cursor.execute(f"SELECT {EVENT_COLUMNS} FROM security_events_event event ORDER BY transaction_id, id")
        facts = [fact_from(event_form(row)) for row in cursor.fetchall()]
    return [each.trigger.type for each in MemoryWindows([RULES["token_theft"]]).findings(facts)]


class TestTheEvidence:
    def test_says_how_old_the_token_is_and_when_the_current_one_was_given_out(self, user, now):
        pairs = used(user, now)
        present(pairs[1], NEWER_PHONE, now + 4 * HOUR)

        assert evidence(pairs[0]) == {
            "generations_behind": 5,
            "idle_seconds": int((2.5 * HOUR).total_seconds()),
            "is_familiar_client": True,
        }

    def test_counts_from_the_last_time_that_the_current_token_was_returned_again(self, user, now):
        pairs = used(user, now)
        refresh(pairs[-2], PHONE, now + 2 * HOUR)
        present(pairs[0], PHONE, now + 4 * HOUR)

        assert evidence(pairs[0])["idle_seconds"] == 7200

    @pytest.mark.parametrize(
        ("case", "is_familiar"),
        [
            ({"holder": PHONE, "presenter": PHONE_AT_WORK, "signed_in": []}, False),
            ({"holder": PHONE, "presenter": PHONE_AT_WORK, "signed_in": [PHONE_AT_WORK]}, True),
            ({"holder": PHONE_AT_WORK, "presenter": NEWER_PHONE, "signed_in": []}, True),
            ({"holder": PHONE_AT_WORK, "presenter": PHONE_AT_WORK, "signed_in": []}, True),
            ({"holder": PHONE, "presenter": LAPTOP, "signed_in": [LAPTOP]}, False),
        ],
    )
    def test_is_familiar_with_one_kind_of_client_where_the_account_has_signed_in(self, user, now, case, is_familiar):
        for client in case["signed_in"]:
            open_session(user=user, client=client, now=now - DAY)
        pairs = used(user, now, client=case["holder"])
        present(pairs[0], case["presenter"], now + 4 * HOUR)

        assert evidence(pairs[0])["is_familiar_client"] is is_familiar

    def test_knows_nothing_of_other_accounts(self, user, now):
        open_session(user=UserFactory(), client=PHONE_AT_WORK, now=now - DAY)
        pairs = used(user, now)
        present(pairs[0], PHONE_AT_WORK, now + 4 * HOUR)

        assert evidence(pairs[0])["is_familiar_client"] is False

    @pytest.mark.parametrize(("elsewhere", "is_familiar"), [("198.51.101.4", True), ("198.51.102.4", False)])
    @pytest.mark.usefixtures("database_of_providers")
    def test_knows_the_providers_of_earlier_sign_ins_where_there_is_a_database_of_places(
        self, user, now, elsewhere, is_familiar
    ):
        for address in ("198.51.100.4", "198.51.103.4"):
            open_session(user=user, client=ClientContext(ip_address=address, user_agent="Laptop/1"), now=now - DAY)
        pairs = used(user, now)
        present(pairs[0], ClientContext(ip_address=elsewhere, user_agent="Phone/1.0"), now + 4 * HOUR)

        assert evidence(pairs[0])["is_familiar_client"] is is_familiar


class TestADeviceRestoredFromABackup:
    def test_is_signed_out_and_its_owner_is_mailed_but_no_theft_is_reported(self, user, now, empty_queue):
        from django.db import connection

        pairs = used(user, now)
        present(pairs[1], NEWER_PHONE, now + 4 * HOUR)
        present(pairs[1], NEWER_PHONE, now + 4 * HOUR + MINUTE, errors.SessionRevoked)

        assert Session.objects.get(pk=pairs[0].session_id).end_reason == "reuse_detected"
        assert ProcrastinateJob.objects.get().args["kind"] == "session_ended_for_safety"
        assert findings(connection) == []


class TestAThiefOnTheOwnersDevice:
    @pytest.mark.attack("RFC 9700, 4.14.2")
    def test_is_reported_when_the_owner_presents_the_current_token(self, user, now):
        from django.db import connection

        pairs = used(user, now)
        present(pairs[1], NEWER_PHONE, now + 4 * HOUR)
        for seconds in (0, 1, 2):
            present(pairs[-1], PHONE, now + 5 * HOUR + timedelta(seconds=seconds), errors.SessionRevoked)

        event = SecurityEvent.objects.get(session_id=pairs[0].session_id, type="token.reuse_confirmed")
        assert (event.severity, event.outcome, event.target_id) == ("high", "failure", str(user.pk))
        assert event.data == {"presented_generation": 7}
        assert findings(connection) == ["token.reuse_confirmed"]

    def test_is_not_seen_in_the_current_token_of_a_session_that_ended_otherwise(self, user, now):
        pairs = used(user, now)
        revocation.end_session(session_id=pairs[0].session_id, user_id=user.pk, reason=LOGOUT, now=now + 2 * HOUR)
        present(pairs[-1], PHONE, now + 3 * HOUR, errors.SessionRevoked)

        assert not SecurityEvent.objects.filter(type="token.reuse_confirmed").exists()

    def test_is_not_seen_in_a_token_whose_key_is_refused_or_whose_session_would_be_over(self, user, now):
        pairs = used(user, now)
        present(pairs[1], PHONE, now + 4 * HOUR)
        present(pairs[-1], PHONE, now + 400 * DAY, errors.SessionRevoked)
        refresh_keys.rotate(emergency=True, now=now + 4 * HOUR)
        present(pairs[-1], PHONE, now + 5 * HOUR, errors.SessionRevoked)

        assert not SecurityEvent.objects.filter(type="token.reuse_confirmed").exists()
