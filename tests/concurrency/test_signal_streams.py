"""Streams of shared signals in many requests at the same moment."""

from functools import partial

import pytest
from django.utils import timezone

from security_events.delivery import kinds, sender
from tests.factories.accounts import UserFactory
from tests.factories.service_clients import register
from tests.factories.signals import sign_out, wait_for_the_trail
from tests.factories.tokens import open_session
from tokens.errors import SignalStreamLimitReached
from tokens.models import SignalStream
from tokens.services import keys
from tokens.services.shared_signals import poll_delivery, streams
from tokens.services.shared_signals.stream_owners import StreamOwner
from tokens.types import ServiceCaller
from tokens.users import subject_of


@pytest.fixture
def owner(transactional_db):
    keys.ensure_first(now=timezone.now())
    client = register(scopes=["ssf:manage"]).client
    return StreamOwner(subject_of(ServiceCaller(client.pk, client.name, frozenset())), client_id=client.pk)


def test_nobody_has_more_streams_than_one_may_have(at_once, owner):
    made = at_once(*[partial(streams.create, owner=owner, body={}, now=timezone.now())] * 12)

    assert sum(isinstance(each, SignalStreamLimitReached) for each in made) == 2, made
    assert SignalStream.objects.count() == streams.MOST_STREAMS


def test_dispatchers_at_once_queue_each_signal_once(at_once, owner):
    kinds.load()
    stream = streams.create(owner=owner, body={}, now=timezone.now())
    user = UserFactory()
    ended = [str(sign_out(open_session(user=user))) for _ in range(5)]
    wait_for_the_trail()
    at_once(*[partial(sender.deliver, stream.pk, now=timezone.now())] * 8)
    sender.deliver(stream.pk, now=timezone.now())

    assert list(stream.pending_signals.order_by("pk").values_list("session_id", flat=True)) == ended
    jtis = list(stream.pending_signals.values_list("jti", flat=True))
    poll = partial(poll_delivery.poll, owner=owner, stream_id=stream.pk, most=9, refused={}, now=timezone.now())
    at_once(*[partial(poll, acknowledged=jtis)] * 8)
    assert poll(acknowledged=[]).tokens == {}
