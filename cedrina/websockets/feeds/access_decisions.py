"""`/ws/authz/`: whether the person who opened the socket may do something, now and whenever that changes."""

import asyncio
from collections.abc import Mapping
from contextlib import suppress
from functools import partial
from typing import Any
from weakref import WeakKeyDictionary

from django.utils import translation
from rest_framework.exceptions import ValidationError

from accounts.access.deciding.paths import MAX_LENGTH
from accounts.access.services import active_policy, subscriptions
from accounts.access.types import Question
from cedrina.http.problems import field_errors
from cedrina.websockets.authenticated_consumer import AuthenticatedConsumer
from cedrina_base import database_clock
from cedrina_base.strict_serializers import StrictCharField, StrictSerializer
from security_events.live.database_thread import thread_of_process

MOST_SUBSCRIPTIONS = 50
POLL_SECONDS = 0.25


class _SubscribeInput(StrictSerializer):
    type = StrictCharField()
    id = StrictCharField(max_length=64)
    object = StrictCharField(max_length=MAX_LENGTH)
    action = StrictCharField(max_length=100)


class _UnsubscribeInput(StrictSerializer):
    type = StrictCharField()
    id = StrictCharField(max_length=64)


class PolicyVersionWatch:
    """Wakes the sockets of a process when the policy that it decides by has another version."""

    def __init__(self) -> None:
        self._sockets: set[AccessConsumer] = set()
        self._watching: asyncio.Task[None] | None = None

    def enter(self, socket: "AccessConsumer") -> None:
        """Wake a socket from now on."""
        self._sockets.add(socket)
        if self._watching is None or self._watching.done():
            self._watching = asyncio.create_task(self._watch())

    def leave(self, socket: "AccessConsumer") -> None:
        """Wake a socket no more."""
        self._sockets.discard(socket)

    async def _watch(self) -> None:
        version = active_policy.version()
        while self._sockets:
            await asyncio.sleep(POLL_SECONDS)
            if (present := active_policy.version()) != version:
                version = present
                for socket in self._sockets:
                    socket.decide_again()


_watches: WeakKeyDictionary[asyncio.AbstractEventLoop, PolicyVersionWatch] = WeakKeyDictionary()


def watch_of_process() -> PolicyVersionWatch:
    """Return the watch of the running event loop; a server has one loop."""
    loop = asyncio.get_running_loop()
    if loop not in _watches:
        _watches[loop] = PolicyVersionWatch()
    return _watches[loop]


class AccessConsumer(AuthenticatedConsumer):
    """Tells a person of decisions about themselves: `subscribe` with an id, an object and an action."""

    async def open_feed(self) -> None:
        self._asked: dict[str, Question] = {}
        self._told: dict[str, bool] = {}
        self._wake = asyncio.Event()
        watch_of_process().enter(self)

    def close_feed(self) -> None:
        watch_of_process().leave(self)

    def decide_again(self) -> None:
        """Let all decisions be made again."""
        self._wake.set()

    async def run(self) -> None:
        subject = f"user:{self.caller.subject}"
        while True:
            self._wake.clear()
            pause: float | None = None
            if asked := dict(self._asked):
                now = database_clock.now()
                decide = partial(subscriptions.decide_all, subject, asked, at=now)
                found = await thread_of_process().call(decide)
                await self._tell(found, asked)
                pause = max(0.0, (found.again_at - database_clock.now()).total_seconds())
            with suppress(TimeoutError):
                async with asyncio.timeout(pause):
                    await self._wake.wait()

    async def take(self, message: Mapping[str, Any]) -> None:
        kind = message.get("type")
        if kind not in ("subscribe", "unsubscribe"):
            await self.send_error("malformed_request")
            return
        form = _SubscribeInput(data=message) if kind == "subscribe" else _UnsubscribeInput(data=message)
        try:
            with translation.override(self.language):
                form.is_valid(raise_exception=True)
        except ValidationError as error:
            await self.send_error("validation_error", errors=list(field_errors(error.detail)))
            return
        given = form.validated_data
        self._told.pop(given["id"], None)
        self._asked.pop(given["id"], None)
        if kind == "unsubscribe":
            await self.send_object({"type": "unsubscribed", "id": given["id"]})
        elif len(self._asked) >= MOST_SUBSCRIPTIONS:
            await self.send_error("rate_limited")
        else:
            self._asked[given["id"]] = Question(given["object"], given["action"])
            self._wake.set()

    async def _tell(self, found: subscriptions.SubscribedDecisions, asked: Mapping[str, Question]) -> None:
        for name, is_allowed in found.allowed.items():
            # It may have been taken back, or replaced, while it was decided.
            if self._asked.get(name) is asked[name] and self._told.get(name) is not is_allowed:
                self._told[name] = is_allowed
                await self.send_object(
                    {"type": "decision", "id": name, "allowed": is_allowed, "version": found.version}
                )
