"""Tickets for WebSockets: each opens one, in time."""

import threading
from dataclasses import replace
from datetime import timedelta
from uuid import uuid4

import pytest
from django.db import connection

from tests.factories.accounts import UserFactory
from tests.factories.tokens import claims_of, open_admin_session, open_session
from tokens.errors import AccessTokenInvalid, SessionExpired, SessionRevoked
from tokens.models import Session, WebSocketTicket
from tokens.services import purging, verification, websocket_tickets

SECOND = timedelta(seconds=1)


@pytest.mark.django_db
class TestRedeem:
    def test_gives_the_claims_of_the_token_once(self, now):
        claims = claims_of(open_session(now=now))
        ticket = websocket_tickets.issue(claims=claims, now=now)
        found = websocket_tickets.redeem(presented=ticket, now=now + 29 * SECOND)
        assert found == replace(claims, tier=None)
        assert websocket_tickets.redeem(presented=ticket, now=now + 29 * SECOND) is None

    def test_takes_none_that_is_late_and_deletes_it(self, now):
        ticket = websocket_tickets.issue(claims=claims_of(open_session(now=now)), now=now)
        assert websocket_tickets.redeem(presented=ticket, now=now + 30 * SECOND) is None
        assert not WebSocketTicket.objects.exists()

    @pytest.mark.parametrize(
        "text", ["", "cdw_", "cdw_" + "é" * 43, "cdw_" + "A" * 43, "x" * 5000, "cdw_\0" + "A" * 42]
    )
    def test_takes_nothing_else(self, text, now):
        assert websocket_tickets.redeem(presented=text, now=now) is None

    def test_stores_no_ticket(self, now):
        ticket = websocket_tickets.issue(claims=claims_of(open_session(now=now)), now=now)
        with connection.cursor() as cursor:
            cursor.execute("SELECT t::text FROM tokens_websocketticket t")
            assert ticket.removeprefix("cdw_") not in cursor.fetchone()[0]


@pytest.mark.django_db
class TestTicketOfTheAdmin:
    def test_stands_for_the_session(self, now):
        user = UserFactory(is_staff=True)
        session_id = open_admin_session(user=user, now=now)
        ticket = websocket_tickets.issue_to_admin_session(session_id=session_id, user_id=user.pk, now=now)
        found = websocket_tickets.redeem(presented=ticket, now=now + 29 * SECOND)
        assert (found.user_id, found.session_id) == (user.pk, session_id)
        assert found.expires_at == Session.objects.get(pk=session_id).expires_at
        assert verification.authenticate_admin_claims(claims=found, now=now).pk == user.pk
        assert websocket_tickets.redeem(presented=ticket, now=now) is None

    def test_is_given_to_nobody_else(self, now):
        user, other = UserFactory(is_staff=True), UserFactory(is_staff=True)
        of_api = open_session(user=user, now=now).session_id
        of_admin = open_admin_session(user=user, now=now)
        ended = open_admin_session(user=user, now=now)
        Session.objects.filter(pk=ended).update(ended_at=now, end_reason="logout")
        for session_id, owner in ((of_api, user), (of_admin, other), (ended, user)):
            given = {"session_id": session_id, "user_id": owner.pk, "now": now}
            assert websocket_tickets.issue_to_admin_session(**given) is None
        late = now + timedelta(hours=13)
        given = {"session_id": of_admin, "user_id": user.pk, "now": late}
        assert websocket_tickets.issue_to_admin_session(**given) is None

    def test_of_a_session_that_ends_authenticates_nobody(self, now):
        user = UserFactory(is_staff=True)
        session_id = open_admin_session(user=user, now=now)
        ticket = websocket_tickets.issue_to_admin_session(session_id=session_id, user_id=user.pk, now=now)
        claims = websocket_tickets.redeem(presented=ticket, now=now)
        with pytest.raises(SessionExpired):
            verification.authenticate_admin_claims(claims=claims, now=now + timedelta(hours=13))
        Session.objects.filter(pk=session_id).update(ended_at=now, end_reason="logout")
        with pytest.raises(SessionRevoked):
            verification.authenticate_admin_claims(claims=claims, now=now)
        with pytest.raises(AccessTokenInvalid):
            verification.authenticate_admin_claims(claims=replace(claims, session_id=uuid4()), now=now)


@pytest.mark.django_db
class TestRows:
    def test_are_few_whatever_a_session_asks_for(self, now):
        claims = claims_of(open_session(now=now))
        tickets = [websocket_tickets.issue(claims=claims, now=now + each * SECOND) for each in range(25)]
        other = websocket_tickets.issue(claims=claims_of(open_session(now=now)), now=now)
        redeemed = [websocket_tickets.redeem(presented=each, now=now + 25 * SECOND) for each in tickets]
        assert [each is not None for each in redeemed] == [False] * 15 + [True] * 10
        assert websocket_tickets.redeem(presented=other, now=now)

    def test_are_deleted_when_they_are_old(self, now):
        websocket_tickets.issue(claims=claims_of(open_session(now=now)), now=now)
        purging.purge_expired(now=now + timedelta(days=1, seconds=31))
        assert not WebSocketTicket.objects.exists()


@pytest.mark.django_db(transaction=True)
def test_of_many_handshakes_with_one_ticket_one_gets_in(now):
    ticket = websocket_tickets.issue(claims=claims_of(open_session(now=now)), now=now)
    start, found = threading.Barrier(8), []

    def redeem():
        start.wait()
        found.append(websocket_tickets.redeem(presented=ticket, now=now))
        connection.close()

    threads = [threading.Thread(target=redeem) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sum(each is not None for each in found) == 1
