"""`/ws/authz/`: decisions, and when a subscriber is told of others."""

from datetime import timedelta

import pytest
from django.utils import timezone

from accounts.access.services.policy_changes import policy_change
from accounts.access.types import Author
from cedrina.websockets.feeds.access_decisions import MOST_SUBSCRIPTIONS
from tests.clients.socket_threads import SocketThread
from tests.factories.accounts import UserFactory, give
from tests.factories.tokens import open_session

SUBSCRIBE = {"type": "subscribe", "id": "one", "object": "documents/1", "action": "read"}


def change():
    return policy_change(author=Author(), reason="r", now=timezone.now())


def allow(subject, **members):
    with change() as writer:
        return writer.add_rule(
            {"subject": subject, "object": "documents/*", "action": "read", "effect": "allow", **members}
        )


def asked(sockets, socket, frame, number=1):
    sockets.send(socket, frame)
    return sockets.frames_of(socket, number)


@pytest.fixture
def user(transactional_db):
    return UserFactory()


class TestSubscriptions:
    def test_are_told_of_the_policy_and_of_roles(self, user):
        with SocketThread() as sockets:
            socket = sockets.open("/ws/authz/", open_session(user=user).access_token)
            (first,) = asked(sockets, socket, SUBSCRIBE)
            assert (first["type"], first["id"], first["allowed"]) == ("decision", "one", False)
            rule = allow(f"user:{user.pk}")
            (second,) = sockets.frames_of(socket, 1)
            assert (second["allowed"], second["version"]) == (True, rule.version)
            with change() as writer:
                writer.remove_rule(rule.pk)
                writer.put_role("reader", {})
                writer.add_rule({"subject": "role:reader", "object": "**", "action": "*", "effect": "allow"})
            assert [frame["allowed"] for frame in sockets.frames_of(socket, 1)] == [False]
            with change() as writer:
                give(user, "reader")
                writer.put_role("reader", {"description": "a new version"})
            assert [frame["allowed"] for frame in sockets.frames_of(socket, 1)] == [True]

    def test_are_told_at_the_instant_at_which_a_rule_ends(self, user):
        until = timezone.now() + timedelta(seconds=3)
        allow(f"user:{user.pk}", valid_until=until)
        with SocketThread() as sockets:
            socket = sockets.open("/ws/authz/", open_session(user=user).access_token)
            assert [frame["allowed"] for frame in asked(sockets, socket, SUBSCRIBE)] == [True]
            assert [frame["allowed"] for frame in sockets.frames_of(socket, 1)] == [False]
            assert timezone.now() >= until

    def test_are_told_at_the_instant_at_which_a_role_ends(self, user):
        until = timezone.now() + timedelta(seconds=3)
        with change() as writer:
            writer.put_role("night", {})
            writer.add_rule({"subject": "role:night", "object": "**", "action": "*", "effect": "allow"})
        give(user, "night", until=until)
        with SocketThread() as sockets:
            socket = sockets.open("/ws/authz/", open_session(user=user).access_token)
            assert [frame["allowed"] for frame in asked(sockets, socket, SUBSCRIBE)] == [True]
            assert [frame["allowed"] for frame in sockets.frames_of(socket, 1)] == [False]

    def test_end_when_they_are_taken_back(self, user):
        with SocketThread() as sockets:
            socket = sockets.open("/ws/authz/", open_session(user=user).access_token)
            asked(sockets, socket, SUBSCRIBE)
            assert asked(sockets, socket, {"type": "unsubscribe", "id": "one"}) == [
                {"type": "unsubscribed", "id": "one"}
            ]
            (other,) = asked(sockets, socket, {**SUBSCRIBE, "id": "two"})
            assert other["id"] == "two"
            allow(f"user:{user.pk}")
            assert [frame["id"] for frame in sockets.frames_of(socket, 1)] == ["two"]

    def test_are_bounded(self, user):
        with SocketThread() as sockets:
            socket = sockets.open("/ws/authz/", open_session(user=user).access_token)
            for number in range(MOST_SUBSCRIPTIONS):
                asked(sockets, socket, {**SUBSCRIBE, "id": str(number)})
            (refused,) = asked(sockets, socket, SUBSCRIBE)
            assert (refused["type"], refused["code"]) == ("error", "rate_limited")
            assert asked(sockets, socket, {**SUBSCRIBE, "id": "0"})[0]["id"] == "0"  # again, in its own place

    @pytest.mark.parametrize(
        ("frame", "code", "field"),
        [
            ({"type": "subscribe", "id": "one"}, "validation_error", "object"),
            ({**SUBSCRIBE, "id": 1}, "validation_error", "id"),
            ({**SUBSCRIBE, "subject": "user:1"}, "validation_error", "subject"),
            ({**SUBSCRIBE, "object": "a" * 513}, "validation_error", "object"),
            ({"type": "ask"}, "malformed_request", None),
        ],
    )
    def test_say_what_is_wrong(self, user, frame, code, field):
        with SocketThread() as sockets:
            socket = sockets.open("/ws/authz/", open_session(user=user).access_token)
            (error,) = asked(sockets, socket, frame)
            assert (error["type"], error["code"]) == ("error", code)
            assert field in (None, *(each["field"] for each in error.get("errors", ())))
