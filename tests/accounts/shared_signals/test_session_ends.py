"""Every way in which a session can end sends one ``session-revoked``, and closes the sockets of the session."""

import time

import pytest

from security_events.models import SecurityEvent
from tests import mailbox
from tests.accounts.shared_signals.session_end_ways import WAYS, World
from tests.clients.socket_threads import SocketThread
from tests.factories.signals import SESSION_REVOKED, Receiver, event_of
from tests.programs.busy import Lateness
from tokens import end_reasons
from tokens.models import Session

# What webhooks and sockets of operators get is the event of the trail. These are the types that end a session.
ENDS = ("session.revoked", "session.evicted", "token.reuse_detected")


@pytest.mark.django_db(transaction=True)
def test_every_way_sends_one_signal_that_says_who_did_it(api, empty_queue):
    """All ways in one database: each has a person of its own, and the signals are told apart by the session."""
    receiver = Receiver(api)
    stream = receiver.create()
    ended = {}
    for reason, entity, end in WAYS:
        world = World()
        answer = end(world)
        assert answer is None or answer.status_code < 400, (end.__name__, answer.content)
        mailbox.work()
        ended[str(world.pair.session_id)] = (end.__name__, str(world.user.pk), reason, entity)
    signals = {}
    while claims := receiver.polled(stream):
        for each in claims:
            uri, event = event_of(each)
            if uri == SESSION_REVOKED:
                signals.setdefault(each["sub_id"]["session"]["id"], []).append((each, event))

    for session_id, (name, user_id, reason, entity) in ended.items():
        (event,) = SecurityEvent.objects.filter(session_id=session_id, type__in=ENDS)
        assert event.data["reason"] == reason, name
        ((claims, signal),) = signals[session_id]
        assert claims["jti"].startswith(str(event.pk)), name
        assert claims["txn"] == (event.correlation_id or str(event.pk)), name
        assert claims["sub_id"]["user"] == {"format": "iss_sub", "iss": stream["iss"], "sub": user_id}, name
        assert signal["initiating_entity"] == entity, name
        assert signal["event_timestamp"] == int(event.occurred_at.timestamp()), name
        assert f"({reason})" in signal["reason_admin"]["en"], name
        assert len(set(signal["reason_user"].values())) == 4, name
    # Nothing else ends a session, and no signal is sent of a session that goes on.
    rows = {str(pk): at for pk, at in Session.objects.values_list("pk", "ended_at")}
    assert {session_id for session_id, at in rows.items() if at} <= signals.keys()
    assert all(rows[session_id] for session_id in signals.keys() & rows.keys())
    assert all(len(each) == 1 for each in signals.values())


def test_every_declared_reason_has_a_way():
    assert {reason.code for reason in end_reasons.declared()} == {reason for reason, _entity, _end in WAYS}


@pytest.mark.django_db(transaction=True)
def test_every_way_closes_the_sockets_of_the_session():
    """Of a session of the admin's pages there is no token, and so no socket."""
    ways = sorted((end for _reason, _entity, end in WAYS), key=lambda end: end.__name__.startswith("refuse_the_key"))
    ended = {}
    with SocketThread() as sockets, Lateness() as lateness:
        kept = sockets.open("/ws/account/", World().pair.access_token)
        for end in ways:
            assert sockets.is_open(kept)  # the last way ends the sessions of everybody
            world = World()
            socket = sockets.open("/ws/account/", world.pair.access_token)
            end(world)
            if world.pair.access_token:
                ended[end.__name__] = (socket, time.monotonic())
            mailbox.work()
        for name, (socket, at) in ended.items():
            code, closed_at = sockets.end_of(socket)
            assert code == 4408, name
            assert closed_at - at < 1 + lateness.allowance, name
    assert len(ended) == len(WAYS) - 1
